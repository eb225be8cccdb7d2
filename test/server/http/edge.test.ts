import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AppError } from '../../../shared/core/errors.ts'
import type { Handlers } from '../../../server/http/register.ts'
import { createTestServer, type TestServer } from '../harness.ts'

let server: TestServer
let post: (path: string, body: BodyInit, headers?: Record<string, string>) => Promise<Response>

beforeAll(async () => {
  server = await createTestServer({ origins: ['https://console.example'] })
  post = (path, body, headers = {}) =>
    server.request(path, {
      method: 'POST',
      headers: { authorization: `Bearer ${server.keys.editor}`, 'content-type': 'application/json', ...headers },
      body,
    })
})
afterAll(() => server.close())

const problemOf = async (response: Response) =>
  (await response.json()) as { code: string; detail: string; issues?: { where: string; what: string }[]; instance: string }

test('[HTTP-3] a refused input names each field that does not fit, and why', async () => {
  const problem = await problemOf(await post('/v1/apps', JSON.stringify({ app: 'Not A Slug', models: ['fine', 7] })))
  expect(problem.code).toBe('invalid_input')
  expect(problem.issues?.map((issue) => issue.where)).toEqual(['body.app', 'body.models[1]'])
  expect(problem.issues?.[0]?.what).toContain('lower-case letters')
  expect(problem.issues?.[1]?.what).toContain('string')
  const path = await problemOf(await server.request('/v1/models/NOPE', { headers: { authorization: `Bearer ${server.keys.viewer}` } }))
  expect(path.issues?.map((issue) => issue.where)).toEqual(['path.model'])
})

test('[HTTP-3] a member that the contract does not know has no effect', async () => {
  const response = await post('/v1/models', JSON.stringify({ name: 'assigned', versions: 99, created: 1 }))
  expect(await response.json()).toMatchObject({ name: 'assigned', versions: 0, created: server.services.clock.now() })
})

test.each([
  ['not JSON', '{"name":', {}, 400, 'malformed_json'],
  ['nothing', '', {}, 400, 'malformed_json'],
  ['bytes that are not UTF-8', new Uint8Array([0x22, 0xff, 0x22]), {}, 400, 'malformed_json'],
  ['65 levels', '['.repeat(65) + ']'.repeat(65), {}, 400, 'malformed_json'],
  ['100,000 levels', '{"a":'.repeat(100_000), {}, 400, 'malformed_json'],
  ['a page', '<!doctype html>', { 'content-type': 'text/html' }, 415, 'unsupported_media_type'],
  ['another charset', '{}', { 'content-type': 'application/json; charset=utf-16' }, 415, 'unsupported_media_type'],
  ['another encoding', '{}', { 'content-encoding': 'br' }, 415, 'unsupported_media_type'],
  ['gzip that is none', 'plain', { 'content-encoding': 'gzip' }, 400, 'malformed_json'],
  ['a number beyond doubles', '{"name":"a","description":1e999}', {}, 400, 'invalid_input'],
  ['half a surrogate pair', '{"name":"a","description":"\\ud800"}', {}, 400, 'invalid_input'],
  ['a member named __proto__', '{"name":"a","__proto__":{"x":1}}', {}, 400, 'invalid_input'],
])('[HTTP-4] a body that is %s is refused', async (_, body, headers, status, code) => {
  const response = await post('/v1/models', body, headers as Record<string, string>)
  expect([response.status, (await problemOf(response)).code]).toEqual([status, code])
})

test('[HTTP-4] 64 levels are taken, and brackets inside text do not count', async () => {
  const deep = JSON.stringify({ name: 'deep', description: '[{"'.repeat(600) })
  expect((await post('/v1/models', deep)).status).toBe(201)
  const nested = await problemOf(await post('/v1/models', '['.repeat(64) + ']'.repeat(64)))
  expect(nested.code).toBe('invalid_input')
})

test('[HTTP-4] a gzip bomb is cut at the limit, not unpacked', async () => {
  const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024, 0x20))
  const before = process.memoryUsage().arrayBuffers
  const response = await post('/v1/models', bomb, { 'content-encoding': 'gzip' })
  expect([response.status, (await problemOf(response)).code]).toEqual([413, 'body_too_large'])
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * 1024 * 1024)
})

test('[HTTP-4] a body without end is cut at the limit', async () => {
  let sent = 0
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      sent += 65_536
      controller.enqueue(new Uint8Array(65_536).fill(0x20))
    },
  })
  const response = await server.request('/v1/models', {
    method: 'POST',
    headers: { authorization: `Bearer ${server.keys.editor}`, 'content-type': 'application/json' },
    body: endless,
    duplex: 'half',
  } as RequestInit)
  expect((await problemOf(response)).code).toBe('body_too_large')
  expect(sent).toBeLessThan(2 * 1024 * 1024)
})

test('[HTTP-4] gzip that fits is taken', async () => {
  expect((await post('/v1/models', gzipSync('{"name":"zipped"}'), { 'content-encoding': 'gzip' })).status).toBe(201)
})

test('[HTTP-8] a GET has a validator, and 304 answers whoever has it already', async () => {
  const headers = { authorization: `Bearer ${server.keys.viewer}` }
  const first = await server.request('/v1/models', { headers })
  const etag = first.headers.get('etag') ?? ''
  expect(etag).toMatch(/^"[\w-]{22}"$/)
  expect(first.headers.get('cache-control')).toBe('private, no-cache')
  const again = await server.request('/v1/models', { headers: { ...headers, 'if-none-match': `"other", W/${etag}` } })
  expect([again.status, await again.text()]).toEqual([304, ''])
  await post('/v1/models', '{"name":"etag-change"}')
  expect((await server.request('/v1/models', { headers: { ...headers, 'if-none-match': etag } })).status).toBe(200)
})

test.each(['/', '/v1', '/v1/nothing', '/v1/models/a/b/c/d', '/console', '/health', '/../etc/passwd', '/%2e%2e/x', '/v1/models/'])(
  '[HTTP-9] %s, where nothing is, is a problem document',
  async (path) => {
    const response = await server.request(path)
    expect([response.status, response.headers.get('content-type'), (await problemOf(response)).code]).toEqual([
      404,
      'application/problem+json',
      'not_found',
    ])
  },
)

test('[HTTP-9] a method that an address does not take is 405 and says which ones it takes', async () => {
  const response = await server.request('/v1/models', { method: 'DELETE' })
  expect([response.status, response.headers.get('allow'), (await problemOf(response)).code]).toEqual([
    405,
    'GET, HEAD, POST',
    'method_not_allowed',
  ])
})

test('[HTTP-10] every answer, failures too, carries the security headers', async () => {
  for (const path of ['/v1/info', '/nothing', '/v1/models']) {
    const { headers } = await server.request(path)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('x-frame-options')).toBe('DENY')
    expect(headers.get('content-security-policy')).toContain("default-src 'none'")
  }
})

test('[HTTP-10] pages anywhere may call what devices call, without credentials', async () => {
  const preflight = await server.request('/v1/apps/digits/devices', {
    method: 'OPTIONS',
    headers: { origin: 'https://shop.example', 'access-control-request-method': 'POST' },
  })
  expect([
    preflight.status,
    preflight.headers.get('access-control-allow-origin'),
    preflight.headers.get('access-control-allow-methods'),
  ]).toEqual([204, '*', 'POST'])
  expect(preflight.headers.get('access-control-allow-headers')).toContain('authorization')
  const { headers } = await server.request('/v1/info', { headers: { origin: 'https://shop.example' } })
  expect([headers.get('access-control-allow-origin'), headers.get('access-control-allow-credentials')]).toEqual(['*', null])
})

test('[HTTP-10] what needs a key is closed to other origins, but for those that were configured', async () => {
  const ask = async (origin: string) =>
    (await server.request('/v1/models', { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } })).headers.get(
      'access-control-allow-origin',
    )
  expect([await ask('https://shop.example'), await ask('https://console.example')]).toEqual([null, 'https://console.example'])
  const answer = async (origin: string) =>
    (await server.request('/v1/models', { headers: { origin, authorization: `Bearer ${server.keys.viewer}` } })).headers.get(
      'access-control-allow-origin',
    )
  expect([await answer('https://shop.example'), await answer('https://console.example')]).toEqual([null, 'https://console.example'])
  // the address takes PUT for editors and GET for everybody: each method for itself
  const blob = `/v1/blobs/${'0'.repeat(64)}`
  const put = await server.request(blob, {
    method: 'OPTIONS',
    headers: { origin: 'https://shop.example', 'access-control-request-method': 'PUT' },
  })
  expect(put.headers.get('access-control-allow-origin')).toBeNull()
})

test('[HTTP-11] a request goes by the id it brings, or gets one; the problem names it', async () => {
  const brought = await server.request('/nothing', { headers: { 'x-request-id': 'my-request-1' } })
  expect([brought.headers.get('x-request-id'), (await problemOf(brought)).instance]).toEqual([
    'my-request-1',
    'urn:shoal:request:my-request-1',
  ])
  const odd = await server.request('/nothing', { headers: { 'x-request-id': '<script>' } })
  expect(odd.headers.get('x-request-id')).toMatch(/^[0-9a-f]{24}$/)
})

test('[HTTP-11] what broke inside is in the log under the request, and not in the answer', async () => {
  const lines: Record<string, unknown>[] = []
  const log = {
    debug: () => {},
    info: () => {},
    warn: () => {},
    error: (_: string, properties: Record<string, unknown> = {}) => void lines.push(properties),
  }
  const broken = await createTestServer({
    log,
    handlers: () => [
      { 'rounds.list': async () => Promise.reject(new Error('secret internals')) } as Handlers,
      { 'rounds.get': async () => Promise.reject(new AppError('not_found', 'no such round')) } as Handlers,
    ],
  })
  const response = await broken.request('/v1/rounds', { headers: { authorization: `Bearer ${broken.keys.viewer}` } })
  const text = await response.text()
  expect(response.status).toBe(500)
  expect(text).not.toContain('secret internals')
  expect(lines).toHaveLength(1)
  expect(lines[0]).toMatchObject({ code: 'internal', detail: 'secret internals', request: response.headers.get('x-request-id') })
  await broken.close()
})

test('[HTTP-13] the server is live, and ready while it can write', async () => {
  expect(await server.client()('health.live')).toEqual({ live: true })
  expect(await server.client()('health.ready')).toEqual({ ready: true, checks: { database: 'ok', blobs: 'ok' } })
  expect(await server.client()('info.get')).toMatchObject({ name: 'shoal' })
})

test('[HTTP-13] a server that is stopping is live and not ready, and says why', async () => {
  const stopping = await createTestServer()
  stopping.services.beginClose()
  const response = await stopping.request('/health/ready')
  expect([response.status, (await problemOf(response)).issues]).toEqual([503, [{ where: 'server', what: 'is stopping' }]])
  expect((await stopping.request('/health/live')).status).toBe(200)
  await stopping.close()
})
