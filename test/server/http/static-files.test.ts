import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { apiDocs } from '../../../server/http/docs.ts'
import { staticFiles } from '../../../server/http/static-files.ts'
import { must } from '../../../shared/core/assert.ts'
import { createTestServer, type TestServer } from '../harness.ts'

let folder: string
let server: TestServer

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shoal-static-'))
  await mkdir(join(folder, 'dist', 'assets'), { recursive: true })
  await mkdir(join(folder, 'dist', 'console'))
  const files = {
    'index.html': '<title>app</title>',
    'console/index.html': '<title>console</title>',
    'assets/app-3f2a.js': `let x = ${'1+'.repeat(2000)}1`,
    'service-worker.js': 'self.x = 1',
    'icon.svg': '<svg/>',
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, 'dist', name), text)
  await writeFile(join(folder, 'secret.txt'), 'outside')
  server = await createTestServer({ pages: [apiDocs({ version: '1' }), must(await staticFiles(join(folder, 'dist')), 'pages')] })
})
afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true })
})

test.each([
  ['/', 'text/html; charset=utf-8', 'no-cache', '<title>app</title>'],
  ['/console', 'text/html; charset=utf-8', 'no-cache', '<title>console</title>'],
  ['/console/models/digits', 'text/html; charset=utf-8', 'no-cache', '<title>console</title>'],
  ['/service-worker.js', 'text/javascript; charset=utf-8', 'no-cache', 'self.x = 1'],
  ['/icon.svg', 'image/svg+xml; charset=utf-8', 'no-cache', '<svg/>'],
])('[HTTP-15] %s is served as %s, %s', async (path, type, cache, text) => {
  const response = await server.request(path)
  expect([response.status, response.headers.get('content-type'), response.headers.get('cache-control'), await response.text()]).toEqual([
    200,
    type,
    cache,
    text,
  ])
  expect(response.headers.get('content-security-policy')).toContain("script-src 'self' 'wasm-unsafe-eval'")
  expect((await server.request(path, { headers: { 'if-none-match': response.headers.get('etag') ?? '' } })).status).toBe(304)
})

test.each(['/', '/console/', '/assets/app-3f2a.js', '/icon.svg'])(
  '[HTTP-18] %s isolates its page, and may be loaded in one',
  async (path) => {
    const { headers } = await server.request(path)
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin')
    expect(headers.get('cross-origin-embedder-policy')).toBe('require-corp')
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin')
  },
)

test('[HTTP-15] files with a hash in their name are kept for ever, and come compressed to who takes it', async () => {
  const plain = await server.request('/assets/app-3f2a.js')
  const zipped = await server.request('/assets/app-3f2a.js', { headers: { 'accept-encoding': 'gzip, br' } })
  expect(plain.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
  expect([plain.headers.get('content-encoding'), zipped.headers.get('content-encoding')]).toEqual([null, 'gzip'])
  const unzipped = await new Response(zipped.body?.pipeThrough(new DecompressionStream('gzip'))).text()
  expect(unzipped).toBe(await plain.text())
})

test.each([
  '/assets/nope.js',
  '/v1/nope',
  '/secret.txt',
  '/..%2fsecret.txt',
  '/%2e%2e/secret.txt',
  '/assets/..%2f..%2fsecret.txt',
  '/models',
  '/v1/console',
])('[HTTP-15] %s is a problem document, not a page', async (path) => {
  const response = await server.request(path)
  expect([response.status, response.headers.get('content-type')]).toEqual([404, 'application/problem+json'])
})

test('[HTTP-15] a folder without pages is no pages', async () => {
  expect(await staticFiles(join(folder, 'nothing'))).toBeUndefined()
})

test('[CON-4] docs and document are served, with validators, to anybody', async () => {
  for (const [path, type] of [
    ['/docs', 'text/html; charset=utf-8'],
    ['/openapi.json', 'application/json'],
  ] as const) {
    const response = await server.request(path)
    expect([response.status, response.headers.get('content-type')]).toEqual([200, type])
    expect((await server.request(path, { headers: { 'if-none-match': response.headers.get('etag') ?? '' } })).status).toBe(304)
  }
})
