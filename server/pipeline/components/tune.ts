import * as z from 'zod'
import { must } from '../../../shared/core/assert.ts'
import { type Random, seededRandom } from '../../../shared/core/random.ts'
import { defineComponent } from '../component.ts'
import { preparation } from '../data/example-form.ts'
import { type Recipe, recipe, recipeChange } from '../data/recipe.ts'
import { topologyOf } from '../data/recipe-network.ts'
import { loadSplit } from '../data/split-examples.ts'
import { startStepBackend } from '../data/step-backend.ts'
import { trainByRecipe } from '../data/train-recipe.ts'
import type { Trials } from '../data/trials.ts'

const params = z.strictObject({
  /** What is not searched. */
  recipe,
  /** Values to choose from, by member of the recipe: the search draws one of each. */
  space: z.partialRecord(recipeChange.keyof(), z.array(z.json()).min(1)),
  trials: z.int().min(1).max(100),
  /** Rows of a trial: enough to tell better from worse. */
  rows: z.int().min(1).default(5000),
})

function draw(space: Readonly<Partial<Record<string, readonly unknown[]>>>, random: Random): Partial<Recipe> {
  const change = Object.fromEntries(Object.entries(space).map(([name, values = []]) => [name, values[random.integer(values.length)]]))
  return recipeChange.parse(change) as Partial<Recipe>
}

/** Random search over a recipe's members (Bergstra and Bengio 2012), judged on the validation split. */
export const tune = defineComponent({
  name: 'tune',
  version: '2',
  module: import.meta.url,
  inputs: { train: 'split', validation: 'split', transforms: 'transforms' },
  outputs: { trials: 'trials' },
  params,
  async run({ inputs, params: { recipe: base, space, trials: count, rows }, seed, signal, blobs, folder, log, progress }) {
    await startStepBackend()
    const prepared = await inputs.transforms.json(preparation)
    const train = await loadSplit(inputs.train.path, prepared, folder, { rows })
    const validation = await loadSplit(inputs.validation.path, prepared, folder, { rows })
    const random = seededRandom(seed)
    const done: Trials['trials'] = []
    for (let i = 0; i < count; i++) {
      const change = draw(space, random)
      const tried: Recipe = { ...base, ...change, rows }
      const { history } = await trainByRecipe({
        recipe: tried,
        topology: topologyOf(tried, prepared),
        prepared,
        train,
        validation,
        seed,
        signal,
        onProgress: (at) => progress(i + at.done / at.total, count, `trial ${i + 1} of ${count}`),
      })
      const last = must(history.at(-1), 'an epoch')
      done.push({ change, score: last.validationAccuracy ?? 0, loss: last.validationLoss ?? 0 })
      log.info(`trial ${i + 1}: accuracy ${(last.validationAccuracy ?? 0).toFixed(4)} with ${JSON.stringify(change)}`)
    }
    const best = done.reduce((winner, trial, i) => (trial.score > must(done[winner], 'a trial').score ? i : winner), 0)
    return {
      outputs: {
        trials: await blobs.json({ trials: done, best } satisfies Trials, {
          properties: { trials: count, score: must(done[best], 'the best trial').score },
        }),
      },
    }
  },
})
