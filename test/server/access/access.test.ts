import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { must } from '../../../shared/core/assert.ts'
import { AppError } from '../../../shared/core/errors.ts'
import type { Slug } from '../../../shared/core/ids.ts'
import { redact } from '../../../server/log.ts'
import { newToken } from '../../../server/access/tokens.ts'
import { cryptoRandom } from '../../../shared/core/random.ts'
import { createTestServer, manualClock } from '../harness.ts'

const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (thrown: unknown) => (thrown instanceof AppError ? thrown.code : String(thrown)),
  )

test('[HTTP-5] a secret is told once and stored as a hash: no file of the server holds it', async () => {
  const dataFolder = await mkdtemp(join(tmpdir(), 'shoal-access-'))
  const server = await createTestServer({ dataFolder })
  const { secret } = await server.client(server.keys.admin)('keys.create', { body: { name: 'ci', scope: 'editor' } })
  const { token } = await server.device('digits')
  expect(secret).toMatch(/^shoal_editor_[\w-]{43}$/)
  expect(JSON.stringify(await server.client(server.keys.admin)('keys.list'))).not.toContain(secret.slice(13))
  await server.close()
  const file = await readFile(join(dataFolder, 'shoal.db'), 'latin1')
  // not split('_'): the secret part is base64url and may hold underscores of its own
  const secretPart = (hidden: string): string => must(/^[a-z]+_[a-z]+_([\w-]{43})$/.exec(hidden)?.[1], hidden.slice(0, 13))
  for (const hidden of [secret, token, server.keys.admin]) expect(file).not.toContain(secretPart(hidden))
  await rm(dataFolder, { recursive: true })
})

test('[HTTP-5] the first start makes one admin key, later ones none', async () => {
  const { services, close, client } = await createTestServer()
  expect(await services.access.ensureAdminKey()).toBeUndefined()
  const given = newToken('admin', cryptoRandom)
  await services.access.ensureAdminKey(given)
  await services.access.ensureAdminKey(given)
  expect((await client(given)('keys.list')).items.filter((key) => key.name === 'given at start')).toHaveLength(1)
  expect(await codeOf(services.access.ensureAdminKey('hunter2'))).toBe('invalid_input')
  await close()
})

test('[HTTP-5] a key works until it expires or is revoked, and says which', async () => {
  const clock = manualClock()
  const server = await createTestServer({ clock })
  const admin = server.client(server.keys.admin)
  const { key, secret } = await admin('keys.create', { body: { name: 'short', scope: 'viewer', expires: clock.now() + 5000 } })
  await clock.advance(4999)
  expect((await server.client(secret)('keys.self')).id).toBe(key.id)
  await clock.advance(1)
  expect(await codeOf(server.client(secret)('keys.self'))).toBe('key_expired')
  await admin('keys.revoke', { params: { key: key.id } })
  expect(await codeOf(server.client(secret)('keys.self'))).toBe('key_revoked')
  expect(await codeOf(admin('keys.create', { body: { name: 'late', scope: 'viewer', expires: clock.now() } }))).toBe('invalid_input')
  await server.close()
})

test('[HTTP-5] a key cannot revoke itself, so that somebody always holds one', async () => {
  const server = await createTestServer()
  const admin = server.client(server.keys.admin)
  const self = await admin('keys.self')
  expect(await codeOf(admin('keys.revoke', { params: { key: self.id } }))).toBe('invalid_input')
  await server.close()
})

test('[HTTP-5] the last use of a key is written, at most once a minute', async () => {
  const clock = manualClock()
  const server = await createTestServer({ clock })
  const self = () => server.client(server.keys.viewer)('keys.self')
  const start = clock.now()
  await self()
  await clock.advance(59_999)
  await self()
  expect((await self()).lastUsed).toBe(start)
  await clock.advance(1)
  await self()
  expect((await self()).lastUsed).toBe(start + 60_000)
  await server.close()
})

test('[HTTP-5] a device registers with an app that exists, and may use that app’s models only', async () => {
  const server = await createTestServer()
  expect(await codeOf(server.client()('devices.register', { params: { app: 'nowhere' } }))).toBe('not_found')
  const { token, id } = await server.device('shop', ['digits'])
  const actor = await server.services.access.authenticate(token)
  expect(actor).toEqual({ kind: 'device', id, app: 'shop' })
  expect(await codeOf(server.services.access.assertMayUse(actor, 'digits' as Slug))).toBe('done')
  expect(await codeOf(server.services.access.assertMayUse(actor, 'letters' as Slug))).toBe('forbidden')
  await server.close()
})

test('[HTTP-5] an app made again with the same models is the same app', async () => {
  const server = await createTestServer()
  const editor = server.client(server.keys.editor)
  const made = await editor('apps.create', { body: { app: 'shop', models: ['b', 'a', 'b'] } })
  expect(made.models).toEqual(['a', 'b'])
  expect(await editor('apps.create', { body: { app: 'shop', models: ['a', 'b'] } })).toEqual(made)
  expect(await codeOf(editor('apps.create', { body: { app: 'shop', models: ['c'] } }))).toBe('already_exists')
  await server.close()
})

test('[HTTP-16] a secret that gets into a log line all the same is blotted out', () => {
  const secret = newToken('releaser', cryptoRandom)
  expect(redact(`GET /x authorization=Bearer ${secret} done`)).toBe('GET /x authorization=Bearer shoal_releaser_*** done')
})
