import { expect, test } from 'vitest'
import { recipe } from '../../../../server/pipeline/data/recipe.ts'
import { tunedRecipe } from '../../../../server/pipeline/data/trials.ts'
import { runSearch, type SearchOptions } from '../../../../server/pipeline/tuning/run-search.ts'
import { searchSpace } from '../../../../server/pipeline/tuning/search-space.ts'
import { createTrialRunner, type TrialData, type TrialRunner } from '../../../../server/pipeline/tuning/trial-runner.ts'
import { createTrialThreads } from '../../../../server/pipeline/tuning/trial-threads.ts'
import { must } from '../../../../shared/core/assert.ts'
import { prepared, split } from '../recipe-run.ts'
import { halvingSearch } from './search-options.ts'

/** What counts of the second number and of the third depends on the first: one question alone tells little. */
const board = ([a = 0, b = 0, c = 0]: Float32Array): number => ((a > 0 ? b > 0.3 : c > -0.3) ? 1 : 0)
const data: TrialData = {
  prepared: prepared(['black', 'white']),
  train: split(900, 1, board, false),
  validation: split(300, 2, board, false),
  seed: 3,
}
const base = recipe.parse({ architecture: { kind: 'trees' }, epochs: 27, learningRate: { kind: 'constant', rate: 0.1 }, leastFall: null })
const space = searchSpace.parse({
  'architecture.depth': { kind: 'integer', low: 1, high: 8 },
  'architecture.rowShare': { kind: 'uniform', low: 0.5, high: 1 },
  // up to rates that are refused
  'learningRate.rate': { kind: 'log-uniform', low: 0.01, high: 3 },
})
const options = (runner: TrialRunner): SearchOptions => halvingSearch({ space, trials: 24, startup: 8, epochs: 27 }, { base, runner })

test('[PIP-198] a search over depth, samples and shrinkage ends bad trials after few rounds and finds deep trees, the same in threads', async () => {
  const runner = createTrialRunner(data)
  const found = await runSearch(options(runner))
  await runner.close()
  const states = (wanted: string) => found.trials.filter(({ state }) => state === wanted)
  expect(states('pruned').length).toBeGreaterThan(5)
  expect(states('pruned').every(({ epochs }) => epochs < 27)).toBe(true)
  for (const { error } of states('failed')) expect(error).toMatch(/constant learning rate up to 1/)
  const best = must(found.trials[found.best], 'a trial')
  expect(best.score).toBeGreaterThan(0.93)
  expect(tunedRecipe(base, { objective: 'accuracy', ...found }).architecture).toMatchObject({
    kind: 'trees',
    depth: best.params['architecture.depth'],
  })
  expect(best.params['architecture.depth']).toBeGreaterThan(1)
  const threads = createTrialThreads(data, { threads: 2, memoryMb: 512 })
  try {
    expect(await runSearch(options(threads))).toEqual(found)
  } finally {
    await threads.close()
  }
}, 60_000)
