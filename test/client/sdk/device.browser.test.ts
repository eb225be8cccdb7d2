import { must } from '../../../shared/core/assert.ts'
import { expect, test } from 'vitest'
import { createDevice } from '../../../client/sdk/device.ts'
import { webLocks } from '../../../client/sdk/locks.ts'
import { idbStorage } from '../../../client/sdk/storage/idb-storage.ts'
import { workerHost } from '../../../client/sdk/worker-host.ts'
import { systemClock } from '../../../shared/core/clock.ts'
import type { Sha256 } from '../../../shared/core/digest.ts'
import type { WorkerLike } from '../../../shared/worker/connect-worker.ts'
import { makeModel, pixels } from '../../workers/small-model.ts'
import { staticServer } from './static-server.ts'

let count = 0

/** A device of this browser: IndexedDB, an inference worker, Web Locks. The same name again is the same device after a reload. */
function open(name: string, server: Awaited<ReturnType<typeof staticServer>>) {
  const workers: Worker[] = []
  const spawn = () => {
    const worker = new Worker(new URL('../../../workers/inference/main.ts', import.meta.url), { type: 'module' })
    workers.push(worker)
    return worker as WorkerLike
  }
  const device = createDevice({
    app: 'shapes',
    url: '',
    fetch: server.fetch,
    storage: idbStorage({ name }),
    host: workerHost({ spawn, clock: systemClock, allowSoftware: false }),
    locks: webLocks(navigator.locks),
    retries: 0,
    consent: { statistics: false },
  })
  return { device, workers }
}
const name = () => `device-${Date.now()}-${count++}`

test('[DEV-47] in a browser: download, verify, self-test, answer; after a reload offline from IndexedDB', async () => {
  const server = await staticServer()
  const made = await makeModel()
  await server.publish(made)
  const database = name()
  const shoal = await open(database, server).device
  const model = await shoal.load('shapes')
  const answer = await model.predict(pixels)
  const expected = await made.expected(pixels)
  expect(answer.version).toBe(1)
  for (const [i, p] of answer.probabilities.entries()) expect(p).toBeCloseTo(expected[i] ?? -1, 3)
  await shoal.dispose()

  server.connect(false)
  const again = await open(database, server).device
  const stored = await again.load('shapes')
  expect((await stored.predict(pixels)).probabilities).toEqual(answer.probabilities)
  expect(await stored.checkForUpdate()).toEqual({ outcome: 'offline', version: 1 })
  await again.dispose()
})

test('[DEV-47] in a browser: two tabs download once, and an update replaces what answers', async () => {
  const server = await staticServer()
  await server.publish(await makeModel())
  const database = name()
  const [one, two] = await Promise.all([open(database, server).device, open(database, server).device])
  const [a, b] = await Promise.all([one.load('shapes'), two.load('shapes')])
  const pieces = server.blobRequests()
  expect(new Set(server.requests.filter((path) => path.startsWith('/v1/blobs/'))).size).toBe(pieces)
  await server.publish(await makeModel(0, 9))
  expect(await a.checkForUpdate()).toEqual({ outcome: 'updated', version: 2 })
  expect((await a.predict(pixels)).version).toBe(2)
  expect((await b.predict(pixels)).version).toBe(1)
  expect(await b.checkForUpdate()).toEqual({ outcome: 'updated', version: 2 })
  await Promise.all([one.dispose(), two.dispose()])
})

test('[DEV-47] in a browser: a version with a wrong self-test is refused, spoilt bytes in IndexedDB are fetched again', async () => {
  const server = await staticServer()
  await server.publish(await makeModel())
  const database = name()
  const shoal = await open(database, server).device
  const model = await shoal.load('shapes')
  await server.publish(await makeModel(0.2, 9))
  expect(await model.checkForUpdate()).toEqual({ outcome: 'refused', version: 1 })
  expect((await model.predict(pixels)).version).toBe(1)
  await shoal.dispose()

  const storage = idbStorage({ name: database })
  await storage.putPiece(server.firstPiece() as Sha256, new Blob(['not the weights']))
  storage.close()
  const before = server.blobRequests()
  const again = await open(database, server).device
  const healed = await again.load('shapes', { strategy: 'cached' })
  expect((await healed.predict(pixels)).version).toBe(1)
  expect(server.blobRequests()).toBe(before + 1)
  await again.dispose()
})

test('[DEV-44] in a browser: when the worker ends, the next answer comes from a new one with the model loaded again', async () => {
  const server = await staticServer()
  await server.publish(await makeModel())
  const { device, workers } = open(name(), server)
  const model = await (await device).load('shapes')
  const before = await model.predict(pixels)
  workers[0]?.dispatchEvent(new ErrorEvent('error', { message: 'out of memory' }))
  const after = await model.predict(pixels)
  // the new worker may have measured another backend as the fastest: the same answer, but for the last digits
  for (const [i, probability] of after.probabilities.entries())
    expect(probability).toBeCloseTo(must(before.probabilities[i], 'a probability'), 5)
  expect(workers.length).toBe(2)
  await (await device).dispose()
})
