import { afterEach, expect, test } from 'vitest'
import { startBackend } from '../../../../shared/compute/backends.ts'
import { trainModel } from '../../../../shared/compute/train.ts'
import { must } from '../../../../shared/core/assert.ts'
import { unwrap } from '../../../../shared/core/result.ts'
import { localUpdate } from '../../../../shared/federated/local-update.ts'
import { decodeSafetensors } from '../../../../shared/tensor/safetensors.ts'
import { browserWorld, closeWorlds, image, PLAN } from './browser-world.ts'

afterEach(closeWorlds)

test('[DEV-58] in a browser: trains in the training worker on WASM what the CPU would train, sends it once, and the worker is gone', async () => {
  const { made, model, bodies, trainers, lease } = await browserWorld()
  expect(await model.contribute()).toMatchObject({ outcome: 'contributed', round: lease.round, version: 1, examples: 24, backend: 'wasm' })
  expect(await model.contribute()).toMatchObject({ outcome: 'no-round' })
  expect(bodies.length).toBe(1)
  expect(trainers).toEqual([{ ended: true }])
  unwrap(await startBackend('cpu'))
  const data = new Float32Array(24 * 64)
  for (let i = 0; i < 24; i++)
    data.set(
      Float32Array.from(image(i), (byte) => byte / 255),
      i * 64,
    )
  const byHand = await localUpdate({
    plan: PLAN,
    base: made.tensors,
    topology: made.manifest.topology,
    examples: { data, shape: [24, 8, 8, 1] },
    labels: Int32Array.from({ length: 24 }, (_, i) => i % 4),
    train: trainModel,
  })
  const [sent, expected] = [must(bodies[0], 'an update'), byHand.body].map((body) => decodeSafetensors(body))
  expect(must(sent, 'it').metadata).toEqual({ examples: '24' })
  for (const [name, { data: values }] of Object.entries(must(expected, 'it').tensors)) {
    const got = must(sent, 'it').tensors[name]?.data
    for (const [i, value] of values.entries()) expect(got?.[i]).toBeCloseTo(value, 3)
  }
  expect(byHand.norm).toBeGreaterThan(0.01)
})

test('[DEV-58] in a browser: the model answers and the page stays free while it trains; an abort ends the worker at once', async () => {
  // 10,000 steps of a network that takes seconds for them
  const { model, bodies, trainers } = await browserWorld({ epochs: 100, batchSize: 1, examples: 100, filters: 128 })
  const aborting = new AbortController()
  const trains = Promise.withResolvers<void>()
  const contribution = model
    .contribute({ signal: aborting.signal, onProgress: ({ phase, done }) => phase === 'train' && done > 0 && trains.resolve() })
    .then(
      () => 'ended',
      ({ code }: { code: string }) => code,
    )
  await trains.promise
  const long: number[] = []
  const observer = new PerformanceObserver((list) => long.push(...list.getEntries().map((entry) => entry.duration)))
  observer.observe({ entryTypes: ['longtask'] })
  for (let i = 0; i < 10; i++) expect((await model.predict(image(i))).version).toBe(1)
  observer.disconnect()
  // all of them were answered while it trained
  expect(trainers).toEqual([{ ended: false }])
  expect(bodies).toEqual([])
  aborting.abort()
  expect(await contribution).toBe('aborted')
  expect(trainers).toEqual([{ ended: true }])
  expect(bodies).toEqual([])
  expect(long.filter((duration) => duration > 200)).toEqual([])
  // and it can be made again
  expect((await model.predict(image(0))).version).toBe(1)
})
