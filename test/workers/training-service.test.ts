import { expect, test } from 'vitest'
import { systemClock } from '../../shared/core/clock.ts'
import { trainModel } from '../../shared/compute/train.ts'
import type { TrainingCheckpoint } from '../../shared/compute/training-checkpoint.ts'
import { localUpdate } from '../../shared/federated/local-update.ts'
import type { LabelledInput, TrainedUpdate, TrainingApi, TrainRequest } from '../../shared/worker/training-api.ts'
import { createTrainingService } from '../../shared/worker/training-service.ts'
import { start, wasmPath } from '../shared/compute/node-backend.ts'
import { makeModel } from './small-model.ts'

const PLAN = { epochs: 2, batchSize: 4, learningRate: 0.1, seed: 1, clipNorm: 1, maxExamples: 100 }
const image = (i: number): Uint8Array => Uint8Array.from({ length: 64 }, (_, at) => (at * 37 + i * 11) % 256)
const labelled = (count: number): LabelledInput[] =>
  Array.from({ length: count }, (_, i) => ({ input: image(i), label: ['a', 'b', 'c', 'd'][i % 4] ?? '' }))

async function request(more: Partial<TrainRequest> = {}): Promise<TrainRequest> {
  const { manifest, tensors } = await makeModel()
  return { manifest, tensors, examples: labelled(12), plan: PLAN, ...more }
}
async function finish(service: TrainingApi, job: number): Promise<TrainedUpdate> {
  for (;;) {
    const state = await service.next(job)
    if (state.done) return state.update
  }
}

test('[DEV-57] trains on what the base version would be asked about; labels and forms that it does not know are passed over', async () => {
  const service = createTrainingService({ wasmPath })
  const given = await request()
  const odd: LabelledInput[] = [
    { input: image(1), label: 'z' },
    { input: new Uint8Array(9), label: 'a' },
    { input: { width: 3 }, label: 'a' },
  ]
  const update = await finish(service, await service.begin({ ...given, examples: [...odd, ...given.examples] }))
  await start('wasm')
  const data = new Float32Array(12 * 64)
  for (let i = 0; i < 12; i++)
    data.set(
      Float32Array.from(image(i), (byte) => byte / 255),
      i * 64,
    )
  const byHand = await localUpdate({
    plan: PLAN,
    base: given.tensors,
    topology: given.manifest.topology,
    examples: { data, shape: [12, 8, 8, 1] },
    labels: Int32Array.from({ length: 12 }, (_, i) => i % 4),
    train: trainModel,
  })
  expect(update).toEqual({ ...byHand, backend: 'wasm' })
  await expect(finish(service, await service.begin({ ...given, examples: odd }))).rejects.toMatchObject({ code: 'invalid_input' })
})

test('[DEV-57] jobs follow each other; one that is cancelled ends with its code, and the others go on', async () => {
  const service = createTrainingService({ wasmPath })
  const [long, next] = [
    await service.begin(await request({ plan: { ...PLAN, epochs: 100 }, examples: labelled(100) })),
    await service.begin(await request()),
  ]
  const ends: string[] = []
  const both = [
    finish(service, long).catch((thrown: { code: string }) => ends.push(thrown.code)),
    finish(service, next).then(() => ends.push('next')),
  ]
  await service.cancel(long)
  await Promise.all(both)
  expect(ends).toEqual(['aborted', 'next'])
  await expect(service.next(long)).rejects.toMatchObject({ code: 'conflict' })
})

test('[DEV-57] trains on the next backend where the first does not start, and says why where none does', async () => {
  const fallen = createTrainingService({ backends: ['webgpu', 'cpu'] })
  expect(await finish(fallen, await fallen.begin(await request()))).toMatchObject({ examples: 12, backend: 'cpu' })
  const none = createTrainingService({ backends: ['webgpu'] })
  await expect(finish(none, await none.begin(await request()))).rejects.toMatchObject({
    code: 'no_backend',
    detail: expect.stringContaining('WebGPU'),
  })
})

test('[DEV-63] a job goes on from a checkpoint to the same bits, in another service; [DEV-62] and so does one that was paused', async () => {
  const time = { at: 0 }
  // every look at the time is a second later: a checkpoint at each second step
  // and nobody waits long for news: a plan has ended before a real beat is over
  const clock = {
    ...systemClock,
    monotonic: () => (time.at += 1000),
    sleep: (_: number, signal?: AbortSignal) => systemClock.sleep(1, signal),
  }
  const asked = { plan: { ...PLAN, epochs: 60 }, examples: labelled(60) }
  const whole = createTrainingService({ wasmPath, clock })
  const first = await whole.begin(await request(asked))
  await whole.pause(first)
  await whole.resume(first)
  let checkpoint: TrainingCheckpoint | undefined
  let expected: TrainedUpdate | undefined
  while (expected === undefined) {
    const state = await whole.next(first)
    if (state.done) expected = state.update
    else checkpoint ??= state.checkpoint ?? undefined
  }
  expect(checkpoint?.done).toBeGreaterThan(0)
  expect(checkpoint?.done).toBeLessThan(60 * 15)
  const other = createTrainingService({ wasmPath })
  const given = await request(asked)
  const resumed = await finish(other, await other.begin({ ...given, ...(checkpoint ? { resume: structuredClone(checkpoint) } : {}) }))
  expect(resumed.body).toEqual(expected.body)
})
