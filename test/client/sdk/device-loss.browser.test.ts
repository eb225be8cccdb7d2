import { afterEach, expect, test } from 'vitest'
import { createDevice } from '../../../client/sdk/device.ts'
import type { ModelEvents, Shoal } from '../../../client/sdk/api.ts'
import { webLocks } from '../../../client/sdk/locks.ts'
import { idbStorage } from '../../../client/sdk/storage/idb-storage.ts'
import { workerHost } from '../../../client/sdk/worker-host.ts'
import { computeFingerprint } from '../../../shared/compute/backends.ts'
import { must } from '../../../shared/core/assert.ts'
import { systemClock } from '../../../shared/core/clock.ts'
import type { WorkerLike } from '../../../shared/worker/connect-worker.ts'
import { makeModel, pixels } from '../../workers/small-model.ts'
import { staticServer } from './static-server.ts'

const open: Shoal[] = []
afterEach(async () => {
  for (const shoal of open.splice(0)) await shoal.dispose()
})

/** What would have been remembered by a device whose GPU is fast. */
const onGpu = async () => ({
  fingerprint: await computeFingerprint(),
  demoted: false,
  choice: {
    candidate: 'webgpu',
    backend: 'webgpu',
    engine: 'tfjs',
    timings: { webgpu: { first: 2, median: 1 }, wasm: { first: 3, median: 2 } },
    skipped: {},
    measured: 1,
    remembered: false,
    why: 'webgpu answers in 1.00 ms, wasm 2.00 ms',
  },
})

type Heard = { [K in 'backend' | 'device-lost']: ModelEvents[K][] }

/** A device whose model runs on the (software) GPU in a real worker, and a way to destroy the GPU device under it. */
async function world() {
  const made = await makeModel()
  const server = await staticServer()
  await server.publish(made)
  const name = `loss-${Date.now()}-${Math.random()}`
  let later = 0
  const clock = { ...systemClock, now: () => systemClock.now() + later }
  const first = idbStorage({ name })
  const remembered = await onGpu()
  await first.updateSetting(`backend ${server.stableManifest()}`, () => remembered)
  first.close()
  const start = async () => {
    const workers: Worker[] = []
    const spawn = () => {
      const worker = new Worker(new URL('../../workers/lossy-worker.ts', import.meta.url), { type: 'module' })
      workers.push(worker)
      return worker as WorkerLike
    }
    const shoal = await createDevice({
      app: 'shapes',
      url: '',
      fetch: server.fetch,
      storage: idbStorage({ name }),
      host: workerHost({ spawn, clock, allowSoftware: true }),
      locks: webLocks(navigator.locks),
      clock,
      retries: 0,
      consent: { statistics: false },
    })
    open.push(shoal)
    const model = await shoal.load('shapes', { strategy: 'cached' })
    const heard: Heard = { backend: [], 'device-lost': [] }
    model.on('backend', (event) => heard.backend.push(event))
    model.on('device-lost', (event) => heard['device-lost'].push(event))
    const answersOn = (backend: string) =>
      new Promise<void>((resolve) => model.on('backend', (event) => event.backend === backend && resolve()))
    return { model, heard, answersOn, destroy: () => must(workers[0], 'a worker').postMessage('destroy') }
  }
  const right = async (probabilities: readonly number[]) => {
    const expected = await made.expected(pixels)
    for (const [i, p] of probabilities.entries()) expect(p).toBeCloseTo(must(expected[i], 'a value'), 3)
  }
  return { start, right, pass: (ms: number) => void (later += ms) }
}

test('[DEV-60] in a browser: the GPU is lost in mid-answer: WASM answers, then a fresh device; the second loss demotes WebGPU, which is remembered', async () => {
  const { start, right, pass } = await world()
  const { model, heard, answersOn, destroy } = await start()
  expect(model.backend).toBe('webgpu')
  expect(model.explainBackend()).toMatchObject({ remembered: true, timings: { wasm: { median: 2 } } })
  await right((await model.predict(pixels)).probabilities)

  const back = answersOn('webgpu')
  const questions = Array.from({ length: 4 }, () => model.predict(pixels))
  const lostAt = performance.now()
  destroy()
  for (const question of questions) await right((await question).probabilities)
  // what the lost device had computed may still have come through; the first answer of the one that stands in:
  let next = await model.predict(pixels)
  while (next.backend === 'webgpu') next = await model.predict(pixels)
  const ms = performance.now() - lostAt
  await right(next.probabilities)
  expect(next.backend).toBe('wasm')
  expect(ms).toBeLessThan(1000)
  // whatever was still answered by the lost device, the next one is not
  await expect.poll(() => heard['device-lost'].length).toBe(1)
  expect(heard['device-lost'][0]).toMatchObject({ demoted: false, why: expect.stringContaining('lost') })
  await right((await model.predict(pixels)).probabilities)
  expect(heard.backend[0]).toMatchObject({ backend: 'wasm', why: expect.stringContaining('lost') })
  await back
  const after = await model.predict(pixels)
  expect(after.backend).toBe('webgpu')
  await right(after.probabilities)

  // a minute later, with nobody asking: it is heard of all the same
  pass(60_000)
  const left = answersOn('wasm')
  destroy()
  await left
  expect(heard['device-lost'][1]).toMatchObject({ demoted: true })
  const last = await model.predict(pixels)
  expect(last.backend).toBe('wasm')
  await right(last.probabilities)
  expect(model.explainBackend()?.why).toMatch(/lost 2 times within 10 minutes/)

  // and the next page knows
  await must(open.pop(), 'a device').dispose()
  const again = await start()
  expect(again.model.backend).not.toBe('webgpu')
  expect(again.model.explainBackend()?.skipped.webgpu).toMatch(/lost 2 times/)
}, 60_000)
