import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answersOf } from '../../../server/pipeline/data/evaluate-model.ts'
import { type KeptTraining, keepTraining, keptTraining, reachedBy } from '../../../server/pipeline/data/kept-training.ts'
import { recipe } from '../../../server/pipeline/data/recipe.ts'
import { topologyOf } from '../../../server/pipeline/data/recipe-network.ts'
import { type RecipeResult, type RecipeRun, trainByRecipe } from '../../../server/pipeline/data/train-recipe.ts'
import { cannotGoOn } from '../../../server/pipeline/data/warm-start.ts'
import type { TrainProgress } from '../../../shared/compute/train.ts'
import { must } from '../../../shared/core/assert.ts'
import { systemClock } from '../../../shared/core/clock.ts'
import type { Manifest } from '../../../shared/trust/manifest.ts'
import { positive, prepared, recipeRun, split } from './recipe-run.ts'

const base = { architecture: { kind: 'trees', depth: 4 }, epochs: 30, learningRate: { kind: 'constant', rate: 0.2 } }
/** Of minutes of delay, or of labels. */
const trees = (change: Record<string, unknown> = {}, more: Partial<RecipeRun> = {}): RecipeRun => recipeRun({ ...base, ...change }, more)
const signal = new AbortController().signal

async function errorOn(run: RecipeRun, { weights }: RecipeResult): Promise<number> {
  const { values } = await answersOf({ topology: run.topology, tensors: weights }, run.validation, run.prepared, signal)
  return values.reduce((sum, value, i) => sum + Math.abs(value - must(run.validation.labels[i], 'a label')), 0) / values.length
}
const bare = ({ weights, history, bestEpoch }: RecipeResult) => ({
  weights,
  bestEpoch,
  history: history.map(({ seconds: _, ...epoch }) => epoch),
})

describe('trees by a recipe', () => {
  test('[PIP-194] need no word on what is for networks; images, tokens and rates that make no sense are refused, saying what would', () => {
    const wanted = recipe.parse(base)
    expect(wanted.architecture).toEqual({
      kind: 'trees',
      depth: 4,
      lambda: 1,
      leastChildWeight: 1,
      leastGain: 0,
      rowShare: 1,
      columnShare: 1,
      bins: 255,
    })
    expect(topologyOf(wanted, prepared([]))).toEqual({ kind: 'trees', objective: 'number', features: 3, classes: 0 })
    expect(topologyOf(wanted, prepared(['a', 'b', 'c']))).toMatchObject({ objective: 'softmax', classes: 3 })
    const image = { kind: 'image', column: 'pixels', height: 8, width: 8, channels: 1 } as const
    expect(() => topologyOf(wanted, { ...prepared(['a', 'b']), form: image, transforms: [] })).toThrow(
      /invalid_input: trees need columns, and this data is images: choose cnn/,
    )
    const tokens = { kind: 'tokens', input: 'text', unit: 'word', length: 5, vocabulary: ['a'], unknown: 1 } as never
    expect(() => topologyOf(wanted, { ...prepared(['a', 'b']), transforms: [tokens] })).toThrow(
      /invalid_input: trees need columns, .*text-hash/,
    )
    for (const wrong of [{ depth: 0 }, { depth: 40 }, { leaves: 1 }, { rowShare: 0 }, { bins: 1 }, { lambda: -1 }, { hidden: [3] }])
      expect(recipe.safeParse({ ...base, architecture: { kind: 'trees', ...wrong } }).success).toBe(false)
  })

  test.each([
    { kind: 'cosine', rate: 0.1 },
    { kind: 'one-cycle', peak: 0.1 },
    { kind: 'constant', rate: 1.5 },
  ])('[PIP-194] a learning rate of %j is none for trees', async (learningRate) => {
    const run = trainByRecipe(trees({ learningRate }))
    await expect(run).rejects.toMatchObject({
      code: 'invalid_input',
      issues: [{ where: 'learningRate' }],
      detail: expect.stringMatching(/constant learning rate up to 1/),
    })
  })

  test('[PIP-195] a round is an epoch: its loss and that of the validation split fall, progress and history tell them', async () => {
    const told: TrainProgress[] = []
    const labels = trees({}, { prepared: prepared(['no', 'yes']), onProgress: (progress) => told.push(progress) })
    const { history, engine, bestEpoch } = await trainByRecipe(labels)
    expect(history.map(({ epoch }) => epoch)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1))
    expect(bestEpoch).toBe(30)
    expect(engine).toMatchObject({ kind: 'trees', reason: expect.stringMatching(/on one thread/) })
    for (const one of history)
      expect(one).toMatchObject({ accuracy: expect.any(Number), validationAccuracy: expect.any(Number), seconds: expect.any(Number) })
    expect(must(history.at(-1)?.validationLoss, 'a loss')).toBeLessThan(must(history[0]?.validationLoss, 'a loss') / 2)
    expect(history.at(-1)?.validationAccuracy).toBeGreaterThan(0.97)
    expect(told.at(-1)).toMatchObject({ done: 30, total: 30, epoch: 30 })
  })

  test('[PIP-195] numbers are learnt on one scale and answered in their own unit, by squared and by absolute errors', async () => {
    const run = trees({ epochs: 60 })
    const result = await trainByRecipe(run)
    // the deviation of these minutes is 90, their noise 5
    expect(result.history[0]?.loss).toBeLessThan(1)
    expect(await errorOn(run, result)).toBeLessThan(15)
    const absolute = trees({ epochs: 60, loss: 'mean-absolute-error' })
    expect(await errorOn(absolute, await trainByRecipe(absolute))).toBeLessThan(15)
  })

  test('[PIP-195] early stopping goes back to the best round; class weights, rows and a least fall are heeded', async () => {
    const noisy = trees({ epochs: 200, stopEarly: { patience: 4 }, architecture: { kind: 'trees', depth: 8 } })
    const { history, bestEpoch, weights } = await trainByRecipe(noisy)
    expect(history.length).toBe(bestEpoch + 4)
    expect(weights['trees/start']?.shape).toEqual([bestEpoch])
    const least = Math.min(...history.map(({ validationLoss }) => must(validationLoss, 'a loss')))
    expect(history[bestEpoch - 1]?.validationLoss).toBe(least)

    const share = async (change: Record<string, unknown>) => {
      const random = split(800, 5, (_row, noise) => (noise > 1 ? 1 : 0), false)
      const run = trees(
        { ...change, epochs: 5, architecture: { kind: 'trees', depth: 1 } },
        { prepared: prepared(['no', 'yes']), train: random },
      )
      const { values } = await answersOf(
        { topology: run.topology, tensors: (await trainByRecipe(run)).weights },
        random,
        run.prepared,
        signal,
      )
      return values.filter((_, i) => i % 2 === 1).reduce((sum, p) => sum + p / 800, 0)
    }
    expect(await share({})).toBeLessThan(0.25)
    expect(await share({ classWeights: 'balanced' })).toBeGreaterThan(0.4)
    expect(await share({ classWeights: { yes: 50 } })).toBeGreaterThan(0.8)
    await expect(trainByRecipe(trees({ classWeights: 'balanced' }))).rejects.toMatchObject({ code: 'invalid_input' })
    const few = await trainByRecipe(trees({ rows: 20, epochs: 1, architecture: { kind: 'trees', depth: 16, lambda: 0 } }))
    expect(must(few.weights['trees/value'], 'nodes').data.length).toBeLessThan(40)
    await expect(trainByRecipe(trees({ leastFall: 0.9999 }))).rejects.toMatchObject({ code: 'not_converged' })
  })

  test('[PIP-196] going on adds trees to those that are there, and starts where they stood', async () => {
    const first = await trainByRecipe(trees())
    const more = trees({ epochs: 5 }, { initial: first.weights })
    const second = await trainByRecipe(more)
    expect(second.weights['trees/start']?.shape).toEqual([35])
    const [before, after] = [first, second].map(({ weights }) => must(weights['trees/feature'], 'nodes').data)
    expect([...must(after, 'trees').subarray(0, before?.length)]).toEqual([...must(before, 'trees')])
    expect(must(second.history[0], 'a round').loss).toBeLessThan(1.01 * must(first.history.at(-1), 'a round').loss)
    expect(await errorOn(more, second)).toBeLessThan(1.1 * (await errorOn(trees(), first)))
    const stopped = await trainByRecipe(trees({ epochs: 40, stopEarly: { patience: 1 } }, { initial: first.weights }))
    expect(stopped.weights['trees/start']?.shape).toEqual([30 + stopped.bestEpoch])
  })

  test('[PIP-196] a version of another kind, other labels, inputs or width, or with too many trees, is not gone on from, with the reason', () => {
    const ready = prepared(['no', 'yes'])
    const wanted = recipe.parse(base)
    const entry = { name: 'trees/start', shape: [120] }
    const version = {
      labels: ready.labels,
      transforms: ready.transforms,
      requires: { runtime: 'trees' },
      topology: topologyOf(wanted, ready),
      tensors: [entry],
    }
    const why = (change: Record<string, unknown>, how = wanted) => cannotGoOn({ ...version, ...change } as unknown as Manifest, how, ready)
    expect(why({})).toBeUndefined()
    expect(why({ labels: ['no', 'perhaps'] })).toMatch(/other labels/)
    expect(why({ requires: { runtime: 'tfjs-layers' } })).toBe('is a model of the kind tfjs-layers, where the recipe makes trees')
    expect(why({}, recipe.parse({ ...base, architecture: { kind: 'linear' } }))).toMatch(/kind trees, where the recipe makes tfjs-layers/)
    expect(why({ topology: { ...version.topology, features: 9 } })).toMatch(/another width/)
    expect(why({ tensors: [{ ...entry, shape: [9990] }] })).toMatch(/has 9990 trees/)
  })
})

describe('trees that were interrupted', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'shoal-trees-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test.each([
    ['numbers, stopped early', {}, { stopEarly: { patience: 3 }, epochs: 100 }],
    [
      'labels, in samples',
      { prepared: prepared(['no', 'yes']) },
      { architecture: { kind: 'trees', rowShare: 0.5, columnShare: 0.7 }, epochs: 12 },
    ],
    ['more labels, going on from others', { prepared: prepared(['no', 'yes', 'never']) }, { epochs: 8 }],
  ])('[PIP-197] go on from the disk after any round, to the same bits: %s', async (name, more, change) => {
    const kept = join(folder, name)
    const files: Buffer[] = []
    const disk = keepTraining({ kept, clock: systemClock, everyMs: 0 })
    const keep: KeptTraining = {
      due: () => true,
      async save(state) {
        await disk.save(state)
        files.push(await readFile(join(kept, 'training')))
      },
    }
    const initial = name.includes('others') ? { initial: (await trainByRecipe(trees(change, more))).weights } : {}
    const whole = bare(await trainByRecipe(trees(change, { ...more, ...initial, keep })))
    expect(files.length).toBeGreaterThan(4)
    for (const [i, file] of files.entries()) {
      await writeFile(join(kept, 'training'), file)
      const resume = must(await keptTraining(kept), 'a state')
      expect(reachedBy(resume)).toBe(`round ${i + 1}`)
      const told: number[] = []
      const onProgress = ({ done }: TrainProgress) => void told.push(done)
      expect(bare(await trainByRecipe(trees(change, { ...more, ...initial, resume, onProgress })))).toEqual(whole)
      // what is left, and no more
      expect(told).toHaveLength(whole.history.length - (i + 1))
    }
  })
})

test('[PIP-195] what rows are like is learnt from few of them too', async () => {
  const run = trees({}, { prepared: prepared(['no', 'yes']), train: split(40, 1, positive, false) })
  expect((await trainByRecipe(run)).history.at(-1)?.validationAccuracy).toBeGreaterThan(0.85)
})
