import { afterEach, expect, test } from 'vitest'
import type { Model, Shoal } from '../../../../client/sdk/api.ts'
import { createDevice } from '../../../../client/sdk/device.ts'
import { webLocks } from '../../../../client/sdk/locks.ts'
import { idbStorage } from '../../../../client/sdk/storage/idb-storage.ts'
import { workerTrainer } from '../../../../client/sdk/training/worker-trainer.ts'
import { workerHost } from '../../../../client/sdk/worker-host.ts'
import { startBackend } from '../../../../shared/compute/backends.ts'
import { trainModel } from '../../../../shared/compute/train.ts'
import { fromBase64, fromUtf8 } from '../../../../shared/core/bytes.ts'
import type { Fetch } from '../../../../shared/contract/client.ts'
import { systemClock } from '../../../../shared/core/clock.ts'
import { newId } from '../../../../shared/core/ids.ts'
import { cryptoRandom } from '../../../../shared/core/random.ts'
import { must } from '../../../../shared/core/assert.ts'
import { unwrap } from '../../../../shared/core/result.ts'
import { localUpdate } from '../../../../shared/federated/local-update.ts'
import { decodeSafetensors } from '../../../../shared/tensor/safetensors.ts'
import type { Envelope } from '../../../../shared/trust/dsse.ts'
import type { WorkerLike } from '../../../../shared/worker/connect-worker.ts'
import { makeModel, pixels } from '../../../workers/small-model.ts'
import { staticServer } from '../static-server.ts'

const LABELS = ['a', 'b', 'c', 'd']
const image = (i: number): Uint8Array => pixels.map((value) => (value + 31 * i) % 256)
const PLAN = { epochs: 3, batchSize: 8, learningRate: 0.1, seed: 1, clipNorm: 0.5, maxExamples: 100 }

const open: Shoal[] = []
afterEach(async () => {
  for (const shoal of open.splice(0)) await shoal.dispose()
})

/** A control plane with one round that is open, and a device of this browser whose person has labelled some images. */
async function world({ examples = 24, filters, ...changes }: Partial<typeof PLAN> & { examples?: number; filters?: number } = {}) {
  const made = await makeModel(0, 4, filters)
  const server = await staticServer()
  await server.publish(made)
  const release = (await (await server.fetch('/v1/models/shapes/releases/stable', {})).json()) as Envelope
  const { stable } = JSON.parse(fromUtf8(fromBase64(release.payload))) as { stable: { version: number; manifest: string } }
  const plan = { ...PLAN, ...changes, model: 'shapes', base: stable.version, baseManifest: stable.manifest }
  const lease = { id: newId('lease', cryptoRandom), round: newId('round', cryptoRandom), plan, expires: Date.now() + 60_000 }
  const bodies: Uint8Array[] = []
  const fetch: Fetch = async (path, init) => {
    if (path === '/v1/apps/shapes/devices')
      return Response.json({ device: newId('device', cryptoRandom), token: 'token', expires: Date.now() + 1e9 }, { status: 201 })
    if (path === '/v1/models/shapes/leases') return Response.json({ lease: bodies.length > 0 ? null : lease })
    if (path !== `/v1/leases/${lease.id}/update`) return server.fetch(path, init)
    bodies.push(new Uint8Array(init.body as Uint8Array))
    return Response.json({ accepted: true, why: 'counted' }, { status: 202 })
  }
  const trainers: { ended: boolean }[] = []
  const shoal = await createDevice({
    app: 'shapes',
    url: '',
    fetch,
    storage: idbStorage({ name: `training-${Date.now()}-${Math.random()}` }),
    host: workerHost({
      spawn: () => new Worker(new URL('../../../../workers/inference/main.ts', import.meta.url), { type: 'module' }) as WorkerLike,
      clock: systemClock,
    }),
    trainer: workerTrainer({
      spawn: () => {
        const worker = new Worker(new URL('../../../../workers/inference/main.ts', import.meta.url), { type: 'module', name: 'training' })
        const life = { ended: false }
        trainers.push(life)
        const terminate = worker.terminate.bind(worker)
        worker.terminate = () => {
          life.ended = true
          terminate()
        }
        return worker as WorkerLike
      },
      clock: systemClock,
    }),
    locks: webLocks(navigator.locks),
    retries: 0,
    consent: { statistics: false, training: true },
  })
  open.push(shoal)
  const model: Model = await shoal.load('shapes')
  for (let i = 0; i < examples; i++) {
    const answer = await model.predict(image(i))
    expect(await model.feedback(answer.id, must(LABELS[i % 4], 'a label'))).toMatchObject({ kept: true })
  }
  return { made, model, bodies, trainers, lease }
}

test('[DEV-58] in a browser: trains in the training worker on WASM what the CPU would train, sends it once, and the worker is gone', async () => {
  const { made, model, bodies, trainers, lease } = await world()
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
  const { model, bodies, trainers } = await world({ epochs: 100, batchSize: 1, examples: 100, filters: 128 })
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
