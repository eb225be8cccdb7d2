import { beforeAll, describe, expect, test } from 'vitest'
import { must } from '../../../shared/core/assert.ts'
import { seededRandom } from '../../../shared/core/random.ts'
import { classWeightsOf } from '../../../server/pipeline/data/class-weights.ts'
import { notConverged } from '../../../server/pipeline/data/convergence.ts'
import type { SplitExamples } from '../../../server/pipeline/data/split-examples.ts'
import { startStepBackend } from '../../../server/pipeline/data/step-backend.ts'
import { trainByRecipe } from '../../../server/pipeline/data/train-recipe.ts'
import { positive, prepared, recipeRun as run, split, WIDTH } from './recipe-run.ts'

beforeAll(async () => {
  await startStepBackend()
})

describe('training by a recipe', () => {
  test('[PIP-150] a regression answers in the unit of its data, whatever scale that has, and goes on from there', async () => {
    const first = await trainByRecipe(run({}))
    const kernel = must(first.weights['output/kernel'], 'a kernel').data
    const bias = must(first.weights['output/bias'], 'a bias').data
    for (const [i, expected] of [80, -40, 0].entries()) expect(Math.abs((kernel[i] ?? Number.NaN) - expected)).toBeLessThan(2)
    expect(Math.abs((bias[0] ?? Number.NaN) - 500)).toBeLessThan(2)
    const still = await trainByRecipe(run({ learningRate: { kind: 'constant', rate: 1e-12 }, epochs: 1 }, { initial: first.weights }))
    for (const [i, value] of must(still.weights['output/kernel'], 'a kernel').data.entries())
      expect(value).toBeCloseTo(kernel[i] ?? Number.NaN, 3)
    const median = await trainByRecipe(run({ loss: 'mean-absolute-error' }))
    expect(Math.abs((must(median.weights['output/bias'], 'a bias').data[0] ?? Number.NaN) - 500)).toBeLessThan(4)
  })

  test('[PIP-151] balanced class weights give each label the same weight in all; named ones are taken as they are', () => {
    const labels = { labels: ['no', 'yes', 'never'] }
    expect(classWeightsOf({ classWeights: 'balanced' }, labels, [0, 0, 0, 1])).toEqual([4 / 6, 2, 1])
    expect(classWeightsOf({ classWeights: { yes: 3 } }, labels, [0, 1])).toEqual([1, 3, 1])
    expect(classWeightsOf({}, labels, [0, 1])).toBeUndefined()
    expect(() => classWeightsOf({ classWeights: { maybe: 3 } }, labels, [0])).toThrow(/name maybe; the labels are no, yes, never/)
    expect(() => classWeightsOf({ classWeights: 'balanced' }, { labels: [] }, [0])).toThrow(/answers with a number/)
  })

  test('[PIP-152] stops early once the validation loss no longer falls, and keeps the weights of the best epoch', async () => {
    // twenty rows and a network far too large: it learns them by heart
    const noisy = (row: Float32Array, noise: number): number => (positive(row) + (noise > 0.8 ? 1 : 0)) % 2
    const data = prepared(['0', '1'])
    const heart = {
      architecture: { kind: 'mlp', hidden: [64] },
      epochs: 40,
      batchSize: 20,
      learningRate: { kind: 'constant', rate: 0.02 },
    }
    const splits = { prepared: data, train: split(40, 3, noisy, false), validation: split(300, 4, noisy, false) }
    const whole = await trainByRecipe(run(heart, splits))
    const early = await trainByRecipe(run({ ...heart, stopEarly: { patience: 4 } }, splits))
    expect(early.history.length).toBeLessThan(whole.history.length)
    expect(early.history.length).toBe(early.bestEpoch + 4)
    const losses = early.history.map(({ validationLoss }) => validationLoss ?? Number.NaN)
    expect(losses[early.bestEpoch - 1]).toBe(Math.min(...losses))
    const best = await trainByRecipe(run({ ...heart, stopEarly: { patience: 1000 } }, splits))
    expect(early.weights).toEqual(best.weights)
    expect(early.weights).not.toEqual(whole.weights)
  })

  test('[PIP-153] training whose loss does not fall is refused with not_converged, which names both figures; unless the recipe allows it', async () => {
    const stuck = { learningRate: { kind: 'constant', rate: 1e-12 }, epochs: 2, optimizer: { kind: 'sgd' } }
    // the same loss each epoch, give or take rounding
    await expect(trainByRecipe(run({ ...stuck, leastFall: 0.01 }))).rejects.toMatchObject({
      code: 'not_converged',
      detail: expect.stringMatching(/^the training loss went from \d.* \(epoch 1\) to \d.* \(epoch 2\): at most/),
    })
    await expect(trainByRecipe(run({ ...stuck, leastFall: null }))).resolves.toBeDefined()
    const rising = [
      { epoch: 1, loss: 1, seconds: 0 },
      { epoch: 2, loss: 1.05, seconds: 0 },
    ]
    const falling = { history: rising, firstEpoch: [], warm: false, leastFall: 0 }
    expect(notConverged(falling)).toMatch(/it must fall/)
    // a model that was good already may lose a little while it learns a new world
    expect(notConverged({ ...falling, warm: true })).toBeUndefined()
    expect(notConverged({ ...falling, history: rising.slice(0, 1), firstEpoch: Array.from({ length: 40 }, (_, i) => i) })).toMatch(
      /last tenth/,
    )
    expect(notConverged({ ...falling, history: rising.slice(0, 1), firstEpoch: [1, 2, 3] })).toBeUndefined()
  })

  test('[PIP-154] linear, fully connected and recurrent networks learn from the same data by one parameter; what does not fit it is refused', async () => {
    const data = prepared(['0', '1'])
    const learnt: Record<string, number | undefined> = {}
    for (const architecture of [{ kind: 'linear' }, { kind: 'mlp', hidden: [8] }]) {
      const { history } = await trainByRecipe(run({ architecture }, { prepared: data }))
      learnt[architecture.kind] = history.at(-1)?.validationAccuracy
    }
    for (const accuracy of Object.values(learnt)) expect(accuracy).toBeGreaterThan(0.95)
    const tokens = (row: Float32Array): number => (row[0] === 1 ? 1 : 0)
    const sequences = (seed: number): SplitExamples => {
      const random = seededRandom(seed)
      const made = split(180, seed, tokens, false)
      made.examples.data.forEach((_, i) => {
        made.examples.data[i] = random.integer(4)
      })
      return { ...made, labels: Int32Array.from({ length: 180 }, (_, i) => tokens(made.examples.data.subarray(i * WIDTH) as Float32Array)) }
    }
    const words = { kind: 'recurrent', cell: 'gru', vocabulary: 4, embedding: 4, units: 6 }
    const { history } = await trainByRecipe(
      run(
        { architecture: words, epochs: 6, learningRate: { kind: 'constant', rate: 0.05 } },
        { prepared: data, train: sequences(1), validation: sequences(2) },
      ),
    )
    expect(history.at(-1)?.validationAccuracy).toBeGreaterThan(0.95)
    expect(() => run({ architecture: { kind: 'cnn', blocks: [{ filters: 1, kernel: 1 }] } }, { prepared: data })).toThrow(/need images/)
  })
})
