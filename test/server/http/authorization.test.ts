import { afterAll, beforeAll, expect, test } from 'vitest'
import { exampleOf } from '../../../shared/contract/example.ts'
import { jsonSchemaOf } from '../../../shared/contract/json-schema.ts'
import type { Route, Scope } from '../../../shared/contract/route.ts'
import { ROUTES } from '../../../shared/contract/routes.ts'
import { createTestServer, manualClock, type TestServer } from '../harness.ts'

const CREDENTIALS = [
  'none',
  'malformed',
  'unknown',
  'viewer',
  'editor',
  'releaser',
  'admin',
  'device',
  'expired',
  'revoked',
  'expired-device',
] as const
type Credential = (typeof CREDENTIALS)[number]

/** Written out, not computed: who may call a route of a scope. */
const ALLOWED: Record<Scope, readonly Credential[]> = {
  public: CREDENTIALS,
  device: ['device'],
  viewer: ['viewer', 'editor', 'releaser', 'admin'],
  editor: ['editor', 'releaser', 'admin'],
  releaser: ['releaser', 'admin'],
  admin: ['admin'],
  'device-or-editor': ['device', 'editor', 'releaser', 'admin'],
}
const REFUSED: Partial<Record<Credential, string>> = {
  none: 'unauthenticated',
  malformed: 'unauthenticated',
  unknown: 'unauthenticated',
  expired: 'key_expired',
  revoked: 'key_revoked',
  'expired-device': 'key_expired',
}

const clock = manualClock()
let server: TestServer
const tokens = new Map<Credential, string>()

beforeAll(async () => {
  server = await createTestServer({ clock })
  tokens.set('expired-device', `Bearer ${(await server.device('old')).token}`)
  await clock.advance(181 * 24 * 60 * 60 * 1000)
  const admin = server.client(server.keys.admin)
  const expired = await admin('keys.create', { body: { name: 'short', scope: 'admin', expires: clock.now() + 1000 } })
  await clock.advance(1000)
  const revoked = await admin('keys.create', { body: { name: 'gone', scope: 'admin' } })
  await admin('keys.revoke', { params: { key: revoked.key.id } })
  for (const [scope, key] of Object.entries(server.keys)) tokens.set(scope as Credential, `Bearer ${key}`)
  tokens.set('malformed', 'Basic YWRtaW46YWRtaW4=')
  tokens.set('unknown', `Bearer shoal_admin_${'A'.repeat(43)}`)
  tokens.set('device', `Bearer ${(await server.device('digits', ['digits'])).token}`)
  tokens.set('expired', `Bearer ${expired.secret}`)
  tokens.set('revoked', `Bearer ${revoked.secret}`)
})
afterAll(() => server.close())

const routes = Object.entries(ROUTES as Record<string, Route>)

test.each(routes)('[HTTP-2] %s lets in exactly whom its scope names', async (_, route) => {
  const params = route.params ? (exampleOf(jsonSchemaOf(route.params, 'input')) as Record<string, unknown>) : {}
  const path = route.path.replace(/:([A-Za-z]+)/g, (_match, name: string) => String(params[name]))
  const outcomes: Record<string, string> = {}
  const expected: Record<string, string> = {}
  for (const credential of CREDENTIALS) {
    const stop = new AbortController()
    const authorization = tokens.get(credential)
    const response = await server.request(path, {
      method: route.method,
      signal: stop.signal,
      ...(authorization === undefined ? {} : { headers: { authorization } }),
    })
    const problem =
      response.headers.get('content-type') === 'application/problem+json'
        ? ((await response.json()) as { code: string; status: number })
        : undefined
    if (!problem) {
      stop.abort()
      await response.body?.cancel()
    }
    outcomes[credential] = problem && (problem.status === 401 || problem.status === 403) ? problem.code : 'let in'
    expected[credential] = ALLOWED[route.scope].includes(credential) ? 'let in' : (REFUSED[credential] ?? 'forbidden')
    if (problem?.status === 401) expect(response.headers.get('www-authenticate')).toBe('Bearer')
  }
  expect(outcomes).toEqual(expected)
})

test('[HTTP-2] a device has to do with the models of its own app only', async () => {
  const { token } = await server.device('other', ['letters'])
  const lease = (model: string) =>
    server.request(`/v1/models/${model}/leases`, { method: 'POST', headers: { authorization: `Bearer ${token}` } })
  expect(await (await lease('digits')).json()).toMatchObject({ status: 403, code: 'forbidden' })
  expect((await lease('letters')).status).not.toBe(403)
})
