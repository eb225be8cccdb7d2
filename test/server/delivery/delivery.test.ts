import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ManualClock, manualClock } from '../../../shared/core/clock.ts'
import { RELEASE_LIFETIME_MS } from '../../../shared/core/limits.ts'
import { unwrap } from '../../../shared/core/result.ts'
import { verifyRelease } from '../../../shared/trust/release.ts'
import { verifyRoot } from '../../../shared/trust/root.ts'
import { chooseRange } from '../../../server/delivery/range.ts'
import { openTrust } from '../../../server/delivery/signing-keys.ts'
import { sha256 } from '../../../shared/core/digest.ts'
import { seededRandom } from '../../../shared/core/random.ts'
import { createTestServer, type TestServer } from '../harness.ts'
import { modelWith, releaseOf } from '../registry/world.ts'

let server: TestServer
let clock: ManualClock
const bytes = seededRandom(3).bytes(5000)
let digest: Awaited<ReturnType<typeof sha256>>

beforeAll(async () => {
  clock = manualClock()
  server = await createTestServer({ clock })
  digest = await sha256(bytes)
  await server.client(server.keys.editor)('blob.put', { params: { digest }, body: bytes })
  await modelWith(server, 'digits', 2)
  await move(1)
})
afterAll(() => server.close())

const move = (version: number) =>
  server.client(server.keys.releaser)('aliases.set', { params: { model: 'digits', alias: 'stable' }, body: { version, reason: 'x' } })
const blob = (headers: Record<string, string> = {}, method = 'GET') => server.request(`/v1/blobs/${digest}`, { method, headers })

test('[REG-12] a release is cacheable, the same for everybody, and has a validator until the next one', async () => {
  const first = await server.request('/v1/models/digits/releases/stable')
  const etag = first.headers.get('etag') ?? ''
  expect(first.headers.get('cache-control')).toBe('public, no-cache')
  expect((await server.request('/v1/models/digits/releases/stable', { headers: { 'if-none-match': etag } })).status).toBe(304)
  await move(2)
  expect((await server.request('/v1/models/digits/releases/stable', { headers: { 'if-none-match': etag } })).status).toBe(200)
})

test('[REG-12] a release is issued anew in the second half of its life, with a higher sequence and nothing else changed', async () => {
  const before = await releaseOf(server, 'digits')
  await clock.advance(RELEASE_LIFETIME_MS / 2 - 60_000)
  expect(await server.services.releases.reissueExpiring()).toBe(0)
  // nobody calls: the server looks by itself
  await clock.advance(20 * 60_000)
  await expect.poll(async () => (await releaseOf(server, 'digits')).sequence).toBe(before.sequence + 1)
  const after = await releaseOf(server, 'digits')
  expect({ ...after, sequence: 0, issued: 0, expires: 0 }).toEqual({ ...before, sequence: 0, issued: 0, expires: 0 })
  expect(after.expires).toBeGreaterThan(before.expires)
})

test('[REG-12] sequences only grow, whatever happens', async () => {
  let last = (await releaseOf(server, 'digits')).sequence
  for (const version of [1, 1, 2, 1]) {
    await move(version)
    const { sequence } = await releaseOf(server, 'digits')
    expect(sequence).toBe(last + 1)
    last = sequence
  }
})

test('[REG-12] what was never released is not found, and says which of the two is missing', async () => {
  expect(await (await server.request('/v1/models/digits/releases/beta')).json()).toMatchObject({ status: 404, code: 'not_found' })
  expect(await (await server.request('/v1/models/nope/releases/stable')).json()).toMatchObject({ status: 404, code: 'unknown_model' })
})

test('[REG-13] a blob is immutable, ranged, and answers a validator with 304', async () => {
  const whole = await blob()
  expect([
    whole.status,
    whole.headers.get('content-length'),
    whole.headers.get('accept-ranges'),
    whole.headers.get('cache-control'),
  ]).toEqual([200, '5000', 'bytes', 'public, max-age=31536000, immutable'])
  expect(await whole.bytes()).toEqual(bytes)
  expect((await blob({ 'if-none-match': whole.headers.get('etag') ?? '' })).status).toBe(304)
  const head = await blob({}, 'HEAD')
  expect([head.status, head.headers.get('content-length'), (await head.bytes()).length]).toEqual([200, '5000', 0])
})

test.each([
  ['bytes=0-99', 206, 'bytes 0-99/5000', 0, 100],
  ['bytes=4900-', 206, 'bytes 4900-4999/5000', 4900, 5000],
  ['bytes=-10', 206, 'bytes 4990-4999/5000', 4990, 5000],
  ['bytes=4000-9999', 206, 'bytes 4000-4999/5000', 4000, 5000],
  ['bytes=-9999', 206, 'bytes 0-4999/5000', 0, 5000],
  ['bytes=0-0', 206, 'bytes 0-0/5000', 0, 1],
  ['bytes=9-3', 200, null, 0, 5000],
  ['bytes=0-1,5-6', 200, null, 0, 5000],
  ['pages=1-2', 200, null, 0, 5000],
  ['bytes=x-y', 200, null, 0, 5000],
])('[REG-13] Range %s answers %i', async (range, status, contentRange, start, end) => {
  const response = await blob({ range })
  expect([response.status, response.headers.get('content-range')]).toEqual([status, contentRange])
  expect(await response.bytes()).toEqual(bytes.slice(start, end))
})

test.each(['bytes=5000-', 'bytes=9999-10000', 'bytes=-0'])('[REG-13] Range %s lies outside', async (range) => {
  const response = await blob({ range })
  expect([response.status, response.headers.get('content-range')]).toEqual([416, 'bytes */5000'])
  expect(await response.json()).toMatchObject({ code: 'range_not_satisfiable' })
})

test('[REG-13] a range of a blob that has changed in the meantime is the whole blob (If-Range)', async () => {
  expect((await blob({ range: 'bytes=0-9', 'if-range': '"another"' })).status).toBe(200)
  expect((await blob({ range: 'bytes=0-9', 'if-range': `"${digest}"` })).status).toBe(206)
})

test('[REG-13] any Range header at all gives a range inside the body, the whole, or neither', () => {
  const header = fc.oneof(
    fc.string(),
    fc.tuple(fc.bigInt({ min: -5n, max: 10n ** 17n }), fc.bigInt({ min: -5n, max: 10n ** 17n })).map(([a, b]) => `bytes=${a}-${b}`),
    fc.stringMatching(/^bytes ?= ?\d{0,3} ?- ?\d{0,3}$/),
  )
  fc.assert(
    fc.property(fc.option(header), fc.nat({ max: 500 }), (text, size) => {
      const range = chooseRange(text, size)
      if (range.kind === 'part') expect(range.start >= 0 && range.start <= range.end && range.end < size).toBe(true)
    }),
    { numRuns: 5000 },
  )
})

test('[REG-14] the bell rings with each release, and only then', async () => {
  const stop = new AbortController()
  const response = await server.request('/v1/bell', { signal: stop.signal })
  server.services.events.publish({ type: 'run.changed', subject: 'x', data: {} })
  await move(2)
  const { sequence } = await releaseOf(server, 'digits')
  stop.abort()
  const lines = (await response.text()).split('\n').filter((line) => line.startsWith('data: '))
  expect(lines.map((line) => JSON.parse(line.slice(6)) as unknown)).toEqual([{ model: 'digits', alias: 'stable', sequence }])
})

test('[REG-16] signing keys are made once, are the owner’s alone, and a restart signs with the same', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'shoal-keys-'))
  const made = await openTrust({ folder, clock })
  for (const name of ['root.json', 'targets.json', 'release.json']) expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600)
  const again = await openTrust({ folder, clock })
  expect(again.root()).toEqual(made.root())
  expect([again.targets.keyId, again.release.keyId]).toEqual([made.targets.keyId, made.release.keyId])
  expect(new Set([...made.root().document.keys.map((key) => key.keyId)]).size).toBe(3)
  await rm(folder, { recursive: true })
})

test('[REG-16] a damaged key or root document stops the start instead of being replaced', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'shoal-keys-'))
  await openTrust({ folder, clock })
  for (const name of ['root.json', 'root-document.json']) {
    const path = join(folder, name)
    const good = await readFile(path, 'utf8')
    await chmod(path, 0o600)
    await writeFile(path, good.slice(0, 100))
    await expect(openTrust({ folder, clock })).rejects.toMatchObject({ code: 'damaged_data' })
    await writeFile(path, good)
  }
  await openTrust({ folder, clock })
  await rm(folder, { recursive: true })
})

test('[REG-16] the root is renewed before it expires, and a device that trusts the old one takes the new one', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'shoal-keys-'))
  const time = manualClock()
  const trust = await openTrust({ folder, clock: time })
  const old = trust.root().document
  await trust.renewRoot()
  expect(trust.root().document).toEqual(old)
  await time.advance(300 * 24 * 60 * 60 * 1000)
  await trust.renewRoot()
  expect(trust.root().document.version).toBe(2)
  expect(unwrap(await verifyRoot(trust.root().envelope, old, time.now())).version).toBe(2)
  await rm(folder, { recursive: true })
})

test('[REG-12] the document of a server is accepted by a device, and by nobody who trusts another server', async () => {
  const other = await createTestServer({ clock })
  const envelope = await server.client()('release.get', { params: { model: 'digits', alias: 'stable' } })
  const foreign = unwrap(await verifyRoot(await other.client()('root.get'), undefined, clock.now()))
  const result = await verifyRelease(envelope, foreign, { model: 'digits', alias: 'stable', sequence: 0, now: clock.now() })
  expect(result).toMatchObject({ ok: false, error: { code: 'untrusted_key' } })
  await other.close()
})
