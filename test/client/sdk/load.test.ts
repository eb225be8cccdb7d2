import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { memoryLocks } from '../../../client/sdk/locks.ts'
import { memoryStorage } from '../../../client/sdk/storage/memory-storage.ts'
import { must } from '../../../shared/core/assert.ts'
import { digit, digitLabels } from '../../shared/data/mnist.ts'
import { digitWeights } from '../../simulator/digit-model.ts'
import { createKit, type Intercept, type Kit, MODEL, offline } from './kit.ts'

let kit: Kit
beforeEach(async () => {
  kit = await createKit()
})
afterEach(() => kit.close())

const isBlob = (path: string) => path.startsWith('/v1/blobs/')

/** Answers for blobs with other bytes, the rest as the server says. */
const blobs =
  (change: (response: Response) => Promise<Response> | Response): Intercept =>
  async (path, init, next) =>
    isBlob(path) ? change(await next(path, init)) : next(path, init)

test('[DEV-1] a model is downloaded, verified, tested and then answers', async () => {
  await kit.publish()
  const shoal = await kit.device()
  const phases: string[] = []
  expect(await shoal.availability('digits')).toBe('downloadable')
  const model = await shoal.load('digits', { onProgress: ({ phase }) => phases.push(phase) })
  const right = await Promise.all(
    Array.from({ length: 200 }, async (_, i) => (await model.predict(digit(i + 2000))).label === String(digitLabels[i + 2000])),
  )
  expect(right.filter(Boolean).length).toBeGreaterThan(140)
  const answer = await model.predict(digit(0))
  expect(answer).toMatchObject({ version: 1, label: '7', backend: expect.stringMatching(/wasm|cpu/) })
  expect(answer.probabilities.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5)
  expect(new Set(phases)).toEqual(new Set(['release', 'manifest', 'download', 'load', 'ready']))
  expect(model.explainBackend()?.why).toContain('ms')
  expect(await shoal.availability('digits')).toBe('available')
})

test('[DEV-2] what an app asks wrongly is said, and harms nothing', async () => {
  await kit.publish()
  const model = await (await kit.device()).load('digits')
  await expect(model.predict(new Uint8Array(10))).rejects.toMatchObject({ code: 'shape_mismatch' })
  await expect(model.predict({ image: 1 })).rejects.toMatchObject({ code: 'invalid_input' })
  await expect(model.predict(new Array<number>(784).fill(Number.NaN))).rejects.toMatchObject({ code: 'invalid_input' })
  expect((await model.predict(digit(0))).version).toBe(1)
  expect(model.version).toBe(1)
})

test.each([
  [
    'other bytes',
    'digest_mismatch',
    async (response: Response) => {
      const bytes = new Uint8Array(await response.arrayBuffer())
      bytes[5] = must(bytes[5], 'a byte') ^ 1
      return new Response(bytes, { headers: { 'content-type': 'application/octet-stream' } })
    },
  ],
  [
    'too few bytes',
    'truncated',
    async (response: Response) =>
      new Response((await response.arrayBuffer()).slice(0, 20), { headers: { 'content-type': 'application/octet-stream' } }),
  ],
  [
    'too many bytes',
    'digest_mismatch',
    async (response: Response) =>
      new Response(new Blob([await response.arrayBuffer(), 'more']), { headers: { 'content-type': 'application/octet-stream' } }),
  ],
  [
    'a web page',
    'not_a_model',
    async () => new Response('<!doctype html><title>Shop</title>', { headers: { 'content-type': 'text/html; charset=utf-8' } }),
  ],
  [
    'an empty answer',
    'truncated',
    async () => new Response(null, { status: 200, headers: { 'content-type': 'application/octet-stream' } }),
  ],
] as const)('[DEV-3] %s instead of a piece is never activated: %s', async (_, code, change) => {
  await kit.publish()
  const storage = memoryStorage()
  const shoal = await kit.device({ storage })
  kit.intercept = blobs(change)
  await expect(shoal.load('digits')).rejects.toMatchObject({ code })
  expect(await storage.versions()).toEqual([])
  expect((await storage.model('digits@stable'))?.active).toBeNull()
  kit.intercept = undefined
  expect((await (await shoal.load('digits')).predict(digit(0))).version).toBe(1)
})

test('[DEV-3] a spoilt download of an update leaves the running version alone, and the failure is told', async () => {
  await kit.publish()
  const shoal = await kit.device()
  const model = await shoal.load('digits')
  await kit.publish({ weights: digitWeights({ jitter: 1 }) })
  kit.intercept = blobs(() => new Response('nothing of the kind', { headers: { 'content-type': 'application/octet-stream' } }))
  await expect(model.checkForUpdate()).rejects.toMatchObject({ code: 'truncated' })
  expect(model.version).toBe(1)
  kit.intercept = undefined
  await model.flush()
  expect(await model.checkForUpdate()).toEqual({ outcome: 'updated', version: 2 })
})

test('[DEV-3] a manifest other than the one that the release names is refused', async () => {
  await kit.publish()
  const { version } = await kit.publish({ weights: digitWeights({ jitter: 1 }) })
  const first = (await kit.admin('versions.list', { params: { model: MODEL } })).items.find((item) => item.version !== version)
  kit.intercept = (path, init, next) =>
    next(path.startsWith('/v1/manifests/') ? `/v1/manifests/${must(first, 'version 1').manifest}` : path, init)
  await expect((await kit.device()).load('digits')).rejects.toMatchObject({ code: 'digest_mismatch' })
})

test('[DEV-4] a download that broke off goes on where it ended, also after a restart; verified pieces do not come again', async () => {
  await kit.publish()
  const storage = memoryStorage()
  const ranges: (string | null)[] = []
  kit.intercept = async (path, init, next) => {
    const response = await next(path, init)
    if (!isBlob(path)) return response
    const bytes = new Uint8Array(await response.arrayBuffer())
    ranges.push(new Headers(init.headers).get('range'))
    if (bytes.length < 20_000 || ranges.length > 1) return new Response(bytes, { status: response.status, headers: response.headers })
    const half = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          if (half.locked && !sent) controller.enqueue(bytes.slice(0, 10_000))
          else controller.error(new TypeError('network error'))
          sent = true
        },
      },
      { highWaterMark: 0 },
    )
    let sent = false
    return new Response(half, { headers: { 'content-type': 'application/octet-stream' } })
  }
  await expect((await kit.device({ storage })).load('digits')).rejects.toMatchObject({ code: 'offline_no_model' })
  const model = await (await kit.device({ storage })).load('digits')
  expect((await model.predict(digit(0))).version).toBe(1)
  expect(ranges).toEqual([null, 'bytes=10000-', null])
})

test('[DEV-4] retries of one download come by themselves, with pauses', async () => {
  await kit.publish()
  let failures = 2
  kit.intercept = async (path, init, next) => {
    if (isBlob(path) && failures-- > 0) throw new TypeError('Failed to fetch')
    return next(path, init)
  }
  const loading = (await kit.device({ retries: 3 })).load('digits')
  const done = vi.fn()
  void loading.then(done)
  await vi.waitFor(async () => {
    await kit.clock.advance(500)
    expect(done).toHaveBeenCalled()
  })
  expect((await loading).version).toBe(1)
})

test('[DEV-5] answers offline after a restart, from what is stored; without it the code says so', async () => {
  await kit.publish()
  const storage = memoryStorage()
  await (await kit.device({ storage })).load('digits')
  kit.intercept = offline
  const events: string[] = []
  const shoal = await kit.device({ storage })
  const model = await shoal.load('digits')
  model.on('offline', () => events.push('offline'))
  expect((await model.predict(digit(0))).label).toBe('7')
  expect(await model.checkForUpdate()).toEqual({ outcome: 'offline', version: 1 })
  expect(await (await kit.device({ storage })).availability('digits')).toBe('available')
  await expect((await kit.device()).load('digits')).rejects.toMatchObject({ code: 'offline_no_model' })
  expect(await (await kit.device()).availability('digits')).toBe('unavailable')
})

test('[DEV-5] latest looks first, cached does not look at all', async () => {
  await kit.publish()
  const storage = memoryStorage()
  await (await kit.device({ storage })).load('digits')
  await kit.publish({ weights: digitWeights({ jitter: 1 }) })
  kit.requests.length = 0
  expect((await (await kit.device({ storage })).load('digits', { strategy: 'cached' })).version).toBe(1)
  expect(kit.requests.filter((line) => line.includes('/releases/'))).toEqual([])
  expect((await (await kit.device({ storage })).load('digits', { strategy: 'latest' })).version).toBe(2)
})

test('[DEV-6] bytes that spoil in storage are found before they run, and fetched again', async () => {
  const { made } = await kit.publish()
  const storage = memoryStorage()
  await (await kit.device({ storage })).load('digits')
  const { digest, bytes } = must(made.pieces[0], 'a piece')
  await storage.putPiece(digest, new Blob([bytes.map((byte, i) => (i === 100 ? byte ^ 4 : byte))]))
  kit.requests.length = 0
  const model = await (await kit.device({ storage })).load('digits', { strategy: 'cached' })
  expect((await model.predict(digit(0))).label).toBe('7')
  expect(kit.requests.filter((line) => line.includes('/blobs/'))).toEqual([`GET /v1/blobs/${digest}`])
})

test('[DEV-7] what has no room runs from memory, after unpinned versions made way', async () => {
  await kit.publish()
  const storage = memoryStorage({ quota: 70_000 })
  const shoal = await kit.device({ storage })
  const model = await shoal.load('digits')
  for (const jitter of [1, 2, 3]) {
    await kit.publish({ weights: digitWeights({ jitter }) })
    expect(await model.checkForUpdate()).toMatchObject({ outcome: 'updated' })
    expect((await model.predict(digit(0))).label).toBe('7')
  }
  expect(model.version).toBe(4)
  expect(must(await storage.estimate(), 'an estimate').usage).toBeLessThanOrEqual(70_000)

  const tiny = await (await kit.device({ storage: memoryStorage({ quota: 1000 }) })).load('digits')
  expect((await tiny.predict(digit(0))).version).toBe(4)
})

test('[DEV-8] two tabs download once', async () => {
  await kit.publish()
  const storage = memoryStorage()
  const locks = memoryLocks()
  const [a, b] = await Promise.all([kit.device({ storage, locks }), kit.device({ storage, locks })])
  kit.requests.length = 0
  const models = await Promise.all([a.load('digits'), b.load('digits')])
  expect(models.map((model) => model.version)).toEqual([1, 1])
  expect(kit.requests.filter((line) => line.includes('/blobs/')).length).toBe(2)
  expect(kit.requests.filter((line) => line.includes('/manifests/')).length).toBe(1)
})

test('[DEV-9] an aborted load stops, keeps what came, and can be begun again', async () => {
  await kit.publish()
  const shoal = await kit.device()
  const aborting = new AbortController()
  const loading = shoal.load('digits', { signal: aborting.signal, onProgress: ({ phase }) => phase === 'download' && aborting.abort() })
  await expect(loading).rejects.toMatchObject({ code: 'aborted' })
  expect((await shoal.load('digits')).version).toBe(1)
})

test('[DEV-10] the backend that was measured is remembered and explained', async () => {
  await kit.publish()
  const storage = memoryStorage()
  const first = await (await kit.device({ storage })).load('digits')
  expect(Object.keys(must(first.explainBackend(), 'a choice').timings)).toEqual(expect.arrayContaining(['wasm', 'cpu']))
  const again = await (await kit.device({ storage })).load('digits', { strategy: 'cached' })
  expect(again.backend).toBe(first.backend)
  // what decided then is what is told now
  expect(again.explainBackend()).toEqual({ ...first.explainBackend(), remembered: true })
})

test('[DEV-8] one page that loads a model twice has it once', async () => {
  await kit.publish()
  const shoal = await kit.device()
  const [a, b] = await Promise.all([shoal.load('digits'), shoal.load('digits')])
  expect(a).toBe(b)
  await a.dispose()
  await expect(a.predict(digit(0))).rejects.toMatchObject({ code: 'conflict' })
  expect((await (await shoal.load('digits')).predict(digit(0))).version).toBe(1)
})
