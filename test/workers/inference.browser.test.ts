import { afterAll, expect, test } from 'vitest'
import { must } from '../../shared/core/assert.ts'
import { systemClock } from '../../shared/core/clock.ts'
import { connectWorker, type WorkerLike } from '../../shared/worker/connect-worker.ts'
import { INFERENCE_PROTOCOL, type InferenceApi } from '../../shared/worker/inference-api.ts'
import { makeModel, pixels } from './small-model.ts'

const workers: Worker[] = []
const connect = () =>
  connectWorker<InferenceApi>({
    spawn: () => {
      const worker = new Worker(new URL('../../workers/inference/main.ts', import.meta.url), { type: 'module' })
      workers.push(worker)
      return worker as WorkerLike
    },
    protocol: INFERENCE_PROTOCOL,
    clock: systemClock,
  })
afterAll(() => {
  for (const worker of workers) worker.terminate()
})

test.each(['wasm', 'webgpu'] as const)(
  '[DEV-46] the worker answers on %s what the CPU answers here, with the monitored numbers',
  async (backend) => {
    const { manifest, tensors, expected } = await makeModel()
    const worker = connect()
    const loaded = await worker.call('load', [{ manifest, tensors, candidates: [backend], allowSoftware: true }])
    expect(loaded.backend).toBe(backend)
    expect(loaded.choice.timings[backend]?.median).toBeGreaterThan(0)
    const answer = await worker.call('predict', [loaded.handle, pixels])
    const wanted = await expected(pixels)
    for (const [i, value] of answer.output.entries()) expect(Math.abs(value - must(wanted[i], 'a value'))).toBeLessThan(5e-3)
    expect(answer.observed['brightness']).toBeGreaterThan(0)
    await worker.call('unload', [loaded.handle])
    await expect(worker.call('predict', [loaded.handle, pixels])).rejects.toMatchObject({ code: 'conflict' })
    worker.dispose()
  },
)

test('[DEV-46] a version with other golden outputs is refused by the worker, with its code', async () => {
  const { manifest, tensors } = await makeModel(0.2)
  const worker = connect()
  await expect(worker.call('load', [{ manifest, tensors, candidates: ['wasm'] }])).rejects.toMatchObject({
    name: 'AppError',
    code: 'self_test_failed',
  })
  worker.dispose()
})

test('[DEV-46] the page stays free while a model loads and answers', async () => {
  const { manifest, tensors } = await makeModel()
  const worker = connect()
  await worker.call('memory', [])
  const long: number[] = []
  const observer = new PerformanceObserver((list) => long.push(...list.getEntries().map((entry) => entry.duration)))
  observer.observe({ entryTypes: ['longtask'] })
  const loaded = await worker.call('load', [{ manifest, tensors, candidates: ['wasm', 'cpu'] }])
  for (let i = 0; i < 20; i++) await worker.call('predict', [loaded.handle, pixels])
  observer.disconnect()
  expect(long.filter((duration) => duration > 200)).toEqual([])
  worker.dispose()
})
