import { expect, test } from 'vitest'
import { workerTrainer } from '../../../../client/sdk/training/worker-trainer.ts'
import { linear } from '../../../../shared/compute/architectures.ts'
import { startBackend } from '../../../../shared/compute/backends.ts'
import { getWeights } from '../../../../shared/compute/model.ts'
import { buildSeededModel } from '../../../../shared/compute/seeded-model.ts'
import { systemClock } from '../../../../shared/core/clock.ts'
import { unwrap } from '../../../../shared/core/result.ts'
import type { WorkerLike } from '../../../../shared/worker/connect-worker.ts'
import type { TrainRequest } from '../../../../shared/worker/training-api.ts'
import type { Told } from '../../../workers/lossy-trainer.ts'
import { makeModel } from '../../../workers/small-model.ts'

const EXAMPLES = 16
const BATCH = 4
const EPOCHS = 6
const STEPS = (EXAMPLES / BATCH) * EPOCHS

async function request(): Promise<TrainRequest> {
  const { manifest } = await makeModel()
  // fewer layers than that one has: a software adapter takes its time to compile each shader
  const topology = linear({ inputShape: [8, 8, 1], classes: 4 })
  unwrap(await startBackend('cpu'))
  const model = await buildSeededModel(topology, 3)
  const tensors = await getWeights(model)
  model.dispose()
  const examples = Array.from({ length: EXAMPLES }, (_, i) => ({
    input: Uint8Array.from({ length: 64 }, (_, at) => (at * 37 + i * 11) % 256),
    label: ['a', 'b', 'c', 'd'][i % 4] ?? '',
  }))
  const plan = { epochs: EPOCHS, batchSize: BATCH, learningRate: 0.05, seed: 1, clipNorm: 1, maxExamples: 100 }
  return { manifest: { ...manifest, topology }, tensors, plan, examples }
}

/** Trains on the software GPU; `loss` goes to the worker after its second checkpoint. */
async function train(loss?: 'destroy' | 'no-gpu') {
  const begun: number[] = []
  const handedOut: number[] = []
  let workers = 0
  let lostAt = Number.NaN
  let againAt = Number.NaN
  const spawn = () => {
    workers++
    const worker = new Worker(new URL('../../../workers/lossy-trainer.ts', import.meta.url), { type: 'module' })
    worker.addEventListener('message', ({ data }: MessageEvent<Told>) => {
      if ('begun' in data && begun.push(data.begun) > 1) againAt = performance.now()
      if (!('checkpoint' in data) || begun.length > 1) return
      if (handedOut.push(data.checkpoint) !== 2 || loss === undefined) return
      lostAt = performance.now()
      worker.postMessage(loss)
    })
    return worker as WorkerLike
  }
  const options = { signal: new AbortController().signal, onProgress: () => undefined }
  const update = await workerTrainer({ spawn, clock: systemClock }).train(await request(), options)
  const [first, ...again] = begun
  return { update, first, again, lastCheckpoint: handedOut.at(-1), workers, ms: againAt - lostAt }
}

test('[DEV-63] in a browser: the GPU is lost in mid-training, which goes on within a second from the last checkpoint, to the same weights', async () => {
  const whole = await train()
  expect(whole).toMatchObject({ first: 0, again: [] })
  expect(whole.update.backend).toBe('webgpu')
  const lossy = await train('destroy')
  expect(lossy.workers).toBe(1)
  expect(lossy).toMatchObject({ first: 0, again: [lossy.lastCheckpoint] })
  expect(lossy.lastCheckpoint).toBeGreaterThan(0)
  expect(lossy.lastCheckpoint).toBeLessThan(STEPS)
  expect(lossy.ms).toBeLessThan(1000)
  expect(lossy.update.backend).toBe('webgpu')
  expect(lossy.update.body).toEqual(whole.update.body)
}, 60_000)

test('[DEV-63] in a browser: the GPU is lost in mid-training and there is no other: training goes on from the last checkpoint on WASM', async () => {
  const lossy = await train('no-gpu')
  expect(lossy.workers).toBe(1)
  expect(lossy).toMatchObject({ first: 0, again: [lossy.lastCheckpoint] })
  expect(lossy.lastCheckpoint).toBeGreaterThan(0)
  expect(lossy.lastCheckpoint).toBeLessThan(STEPS)
  expect(lossy.ms).toBeLessThan(1000)
  expect(lossy.update.backend).toBe('wasm')
}, 60_000)
