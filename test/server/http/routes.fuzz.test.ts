import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '../../../shared/core/ids.ts'
import { cryptoRandom } from '../../../shared/core/random.ts'
import { ERRORS, type ErrorCode } from '../../../shared/core/errors.ts'
import { jsonSchemaOf } from '../../../shared/contract/json-schema.ts'
import { errorsOf, type Route } from '../../../shared/contract/route.ts'
import { ROUTES } from '../../../shared/contract/routes.ts'
import { arbitraryOf, nearly } from '../../fixtures/arbitrary-of-schema.ts'
import { draftFixture } from '../../fixtures/manifest-draft.ts'
import { createTestServer, type TestServer } from '../harness.ts'

/** Cases of each kind (valid, nearly valid, garbage) for a route. */
const CASES = 17

let server: TestServer
let device: string

beforeAll(async () => {
  server = await createTestServer()
  device = (await server.device('digits', ['digits'])).token
  const editor = server.client(server.keys.editor)
  await editor('models.create', { body: { name: 'digits' } })
  const { draft, pieces } = await draftFixture()
  for (const { digest, bytes } of pieces) await editor('blob.put', { params: { digest }, body: bytes })
  await editor('versions.create', { params: { model: 'digits' }, body: { draft, parent: null } })
  await server.client(server.keys.releaser)('aliases.set', {
    params: { model: 'digits', alias: 'stable' },
    body: { version: 1, reason: 'first' },
  })
})
afterAll(() => server.close())

/** Names that exist, so that requests get past the first look-up. */
const EXISTING: Record<string, string> = { model: 'digits', alias: 'stable', version: '1', app: 'digits' }
const GARBAGE_TEXT = fc
  .oneof(
    fc.string({ minLength: 1, maxLength: 30, unit: 'binary' }),
    fc.constantFrom('%', '%00', '%ff', 'é', "';--", '__proto__', 'x'.repeat(5000), '0', '-1', '1e9'),
  )
  .filter((text) => text.isWellFormed())
/** An address without its last part, for whatever sends it. */
const DOTS = /^\.{1,2}$/

type Case = { path: string; init: RequestInit }

function caseOf(route: Route, level: 'valid' | 'nearly' | 'garbage'): fc.Arbitrary<Case> {
  const schema = (part: Route['params']) => (part ? jsonSchemaOf(part, 'input') : { type: 'object', properties: {} })
  const text = (name: string, valid: fc.Arbitrary<unknown>): fc.Arbitrary<string> => {
    const known = EXISTING[name]
    const good = known === undefined ? valid.map(String) : fc.oneof(fc.constant(known), valid.map(String))
    return (level === 'garbage' ? fc.oneof(good, GARBAGE_TEXT) : good).filter((one) => !DOTS.test(one))
  }
  const texts = (part: Route['params']) =>
    fc.record(
      Object.fromEntries(Object.entries(schema(part).properties ?? {}).map(([name, member]) => [name, text(name, arbitraryOf(member))])),
    )
  const body = bodyOf(route, level)
  return fc
    .tuple(texts(route.params), texts(route.query), body, fc.constantFrom<string | undefined>(undefined, 'k-1', 'k-2', 'bad key \u00e9'))
    .map(([params, query, payload, key]) => {
      const path = route.path.replace(/:([A-Za-z]+)/g, (_, name: string) => encodeURIComponent(params[name] ?? 'x'))
      const search = Object.keys(query).length === 0 ? '' : `?${new URLSearchParams(query).toString()}`
      const headers = new Headers({ authorization: `Bearer ${route.scope === 'device' ? device : server.keys.admin}`, ...payload.headers })
      if (route.idempotent && key !== undefined) headers.set('idempotency-key', key)
      return { path: path + search, init: { method: route.method, headers, ...(payload.body === undefined ? {} : { body: payload.body }) } }
    })
}

type Payload = { headers: Record<string, string>; body?: BodyInit }

function bodyOf(route: Route, level: 'valid' | 'nearly' | 'garbage'): fc.Arbitrary<Payload> {
  const { body } = route
  if (!body) return fc.constant<Payload>({ headers: {} })
  const bytes = fc.uint8Array({ maxLength: 300 }).map((data) => new Uint8Array(data))
  if (body.kind === 'bytes') {
    const types = level === 'garbage' ? fc.constantFrom(...body.types, 'text/html', 'x') : fc.constantFrom(...body.types)
    return fc.tuple(types, bytes).map(([type, data]) => ({ headers: { 'content-type': type }, body: data }))
  }
  const valid = arbitraryOf(jsonSchemaOf(body.schema, 'input'))
  const json = (value: fc.Arbitrary<unknown>) =>
    value.map((v): Payload => ({ headers: { 'content-type': 'application/json' }, body: JSON.stringify(v) ?? '' }))
  if (level === 'valid') return json(valid)
  if (level === 'nearly') return json(nearly(valid))
  const raw = fc.oneof(
    fc.constantFrom(
      '',
      '{',
      'null',
      '[]',
      '"',
      '{"a":1e999}',
      '{"__proto__":{"scope":"admin"}}',
      '"\\ud800"',
      '['.repeat(100_000),
      '<!doctype html>',
      '\ufeff{}',
    ),
    fc.string(),
    bytes,
  )
  return fc.oneof(
    fc
      .tuple(fc.constantFrom('application/json', 'application/json; charset=latin1', 'text/plain', ''), raw)
      .map(([type, data]): Payload => ({ headers: type === '' ? {} : { 'content-type': type }, body: data as BodyInit })),
    fc.tuple(fc.constantFrom('gzip', 'br'), raw).map(
      ([encoding, data]): Payload => ({
        headers: { 'content-type': 'application/json', 'content-encoding': encoding },
        body: data as BodyInit,
      }),
    ),
  )
}

const routes = Object.entries(ROUTES as Record<string, Route>)

test.each(routes)('[HTTP-1] %s answers whatever it is sent as the contract says', async (name, route) => {
  const documented = new Set<ErrorCode>(errorsOf(route))
  const all = fc.oneof(caseOf(route, 'valid'), caseOf(route, 'nearly'), caseOf(route, 'garbage'))
  await fc.assert(
    fc.asyncProperty(all, async ({ path, init }) => {
      const stop = new AbortController()
      const response = await server.request(path, { ...init, signal: stop.signal })
      if (response.ok && route.reply.kind === 'events') {
        expect(response.headers.get('content-type')).toBe('text/event-stream')
        stop.abort()
        await response.body?.cancel()
        return
      }
      const text = await response.text()
      if (response.ok) {
        if (route.reply.kind === 'json') expect(response.status).toBe(route.reply.status)
        return
      }
      expect(response.headers.get('content-type'), `${response.status} ${text.slice(0, 200)}`).toBe('application/problem+json')
      const problem = JSON.parse(text) as { code: ErrorCode; status: number; detail: string }
      expect(problem.status, text).toBe(response.status)
      expect(problem.status, `${name} ${path.slice(0, 200)} ${text}`).toBeLessThan(500)
      expect(documented, `${name} answered ${problem.code}: ${problem.detail}`).toContain(problem.code)
      expect(ERRORS[problem.code].status).toBe(problem.status)
    }),
    { numRuns: 3 * CASES },
  )
})

test('[HTTP-1] the server is alive and whole after all that', async () => {
  expect(await server.client()('health.ready')).toMatchObject({ ready: true })
  const summary = await server.client(server.keys.viewer)('models.get', { params: { model: 'digits' } })
  expect(summary.versions).toBeGreaterThan(0)
})

test('[HTTP-1] a version that no backend can run is at fault itself, whatever each of them says of it; a metric has an address', async () => {
  const headers = { authorization: `Bearer ${server.keys.admin}`, 'content-type': 'application/json' }
  const ask = (path: string, body: unknown) => server.request(path, { method: 'POST', headers, body: JSON.stringify(body) })
  const predicted = await ask('/v1/models/digits/predict', { inputs: [{ tensors: {} }] })
  expect(await predicted.json()).toMatchObject({ code: 'shape_mismatch', detail: expect.stringContaining('plan: the model has 0 outputs') })
  const logged = await ask(`/v1/runs/${newId('run', cryptoRandom)}/log`, { metrics: [{ name: '..', value: 1, at: 0 }] })
  expect(await logged.json()).toMatchObject({ code: 'invalid_input', detail: expect.stringContaining('address') })
})
