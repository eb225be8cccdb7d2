import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { must } from '../../../shared/core/assert.ts'
import { systemClock } from '../../../shared/core/clock.ts'
import { type KeptTraining, keepTraining, keptTraining } from '../../../server/pipeline/data/kept-training.ts'
import { startStepBackend } from '../../../server/pipeline/data/step-backend.ts'
import { type RecipeResult, trainByRecipe } from '../../../server/pipeline/data/train-recipe.ts'
import { recipeRun } from './recipe-run.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shoal-kept-'))
  await startStepBackend()
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const bare = ({ weights, history, bestEpoch }: RecipeResult) => ({
  weights,
  bestEpoch,
  history: history.map(({ seconds: _, ...epoch }) => epoch),
})

/** Learns by heart, and so stops early. */
const wanted = { architecture: { kind: 'mlp', hidden: [16], dropout: 0.2 }, epochs: 30, batchSize: 32, stopEarly: { patience: 2 } }

test.each([
  ['many epochs, stopped early', wanted, 11, {}],
  ['a single epoch, whose convergence is told from its batches', { epochs: 1, batchSize: 16 }, 5, {}],
  ['on two threads', { ...wanted, epochs: 4 }, 13, { threads: 2 }],
])('[PIP-179] interrupted after any step, training goes on from the disk to the same bits: %s', async (_name, change, every, more) => {
  const kept = join(folder, String(every))
  const files: Buffer[] = []
  let steps = 0
  const disk = keepTraining({ kept, clock: systemClock, everyMs: 0 })
  const keep: KeptTraining = {
    due: () => steps++ % every === 0,
    async save(state) {
      await disk.save(state)
      files.push(await readFile(join(kept, 'training')))
    },
  }
  const whole = bare(await trainByRecipe(recipeRun(change, { keep, ...more })))
  expect(files.length).toBeGreaterThan(4)
  let epochs = 0
  for (const file of files) {
    await writeFile(join(kept, 'training'), file)
    const resume = must(await keptTraining(kept), 'a state')
    let first: number | undefined
    const onProgress = ({ done }: { done: number }) => void (first ??= done)
    expect(bare(await trainByRecipe(recipeRun(change, { resume, onProgress, ...more })))).toEqual(whole)
    if (resume.kind !== 'network') throw new TypeError('not the state of a network')
    // what is left, and no more
    if (first !== undefined) expect(first).toBe(resume.checkpoint.done + 1)
    epochs += resume.checkpoint.random === undefined ? 1 : 0
  }
  // also where an epoch had just ended, and early stopping had looked at it
  if (change.epochs > 1) expect(epochs).toBeGreaterThan(0)
})

test('[PIP-179] a checkpoint whose bytes are not those that were written is told as damaged; where there is none, there is nothing to go on from', async () => {
  const kept = join(folder, 'damaged')
  expect(await keptTraining(kept)).toBeUndefined()
  const keep = keepTraining({ kept, clock: systemClock, everyMs: 0 })
  await trainByRecipe(recipeRun({ epochs: 2 }, { keep }))
  const file = await readFile(join(kept, 'training'))
  file[file.length - 9] = (file.at(-9) ?? 0) ^ 1
  await writeFile(join(kept, 'training'), file)
  await expect(keptTraining(kept)).rejects.toMatchObject({ code: 'damaged_data', detail: expect.stringMatching(/start over/) })
})

test('[PIP-179] checkpoints are written after a quarter of a second, then every two at most, and less often where writing takes long', async () => {
  let now = 0
  let slow = 0
  const clock = {
    ...systemClock,
    monotonic: () => {
      now += slow
      return now
    },
  }
  const keep = keepTraining({ kept: join(folder, 'often'), clock })
  const dueAt = (after: number): boolean => {
    now += after
    return keep.due()
  }
  expect([dueAt(249), dueAt(1)]).toEqual([false, true])
  const state = { kind: 'network' as const, checkpoint: {} as never, best: undefined, firstEpoch: [] }
  await keep.save(state)
  expect([dueAt(1999), dueAt(1)]).toEqual([false, true])
  slow = 100
  await keep.save(state)
  slow = 0
  // writing took 100 ms: a fiftieth of five seconds
  expect([dueAt(4999), dueAt(1)]).toEqual([false, true])
})
