import type { Clock } from '../../shared/core/clock.ts'
import { AppError } from '../../shared/core/errors.ts'
import { type DeviceId, type KeyId, newId, type Slug } from '../../shared/core/ids.ts'
import { DEVICE_TOKEN_LIFETIME_MS } from '../../shared/core/limits.ts'
import type { Random } from '../../shared/core/random.ts'
import type { KeyScope, RouteReply } from '../../shared/contract/route.ts'
import type { Routes } from '../../shared/contract/routes.ts'
import type { Actor } from '../http/actor.ts'
import type { Db } from '../storage/database.ts'
import { accessStore } from './access-store.ts'
import { hashToken, kindOf, newToken, sameHash } from './tokens.ts'

export type KeyInfo = RouteReply<Routes['keys.self']>
export type AppInfo = RouteReply<Routes['apps.create']>

/** Who may do what: API keys, apps, devices. */
export type Access = {
  /** Who a token belongs to. Fails with `unauthenticated`, `key_expired`, `key_revoked`. */
  authenticate(token: string): Promise<Actor>
  listKeys(): Promise<KeyInfo[]>
  createKey(input: { name: string; scope: KeyScope; expires?: number | undefined }): Promise<{ key: KeyInfo; secret: string }>
  getKey(id: KeyId): Promise<KeyInfo>
  revokeKey(id: KeyId): Promise<void>
  listApps(): Promise<AppInfo[]>
  getApp(app: Slug): Promise<AppInfo>
  /** Making an app that exists with the same models changes nothing; with others it is `already_exists`. */
  createApp(input: { app: Slug; models: readonly Slug[] }): Promise<AppInfo>
  registerDevice(app: Slug): Promise<{ device: DeviceId; token: string; expires: number }>
  /** Fails with `forbidden` when the caller is a device whose app does not use this model. */
  assertMayUse(actor: Actor, model: Slug): Promise<void>
  /**
   * The secret of a new admin key when the database has no key yet. With `secret`, that one is made to be an admin key instead, whatever
   * else exists, and nothing is given back.
   */
  ensureAdminKey(secret?: string): Promise<string | undefined>
}

/** How often the time of a key's last use is written. */
const LAST_USED_EVERY_MS = 60_000

export function createAccess({ db, clock, random }: { readonly db: Db; readonly clock: Clock; readonly random: Random }): Access {
  const store = accessStore(db)
  const insertKey = async (name: string, scope: KeyScope, secret: string, expires: number | null) => {
    const row = {
      id: newId('key', random),
      name,
      scope,
      ...hashToken(secret),
      created: clock.now(),
      expires,
      revoked: null,
      last_used: null,
    }
    await store.insertKey(row)
    return row
  }
  const getApp = async (app: Slug): Promise<AppInfo> => {
    const row = await store.app(app)
    if (!row) throw new AppError('not_found', `there is no app ${app}: make it first (POST /v1/apps)`)
    return appInfo(row)
  }

  const authenticateKey = async (token: string): Promise<Actor> => {
    const { lookup, hash } = hashToken(token)
    const row = (await store.keysByLookup(lookup)).find((candidate) => sameHash(candidate.hash, hash))
    if (!row) throw new AppError('unauthenticated', 'this key is not known here')
    const now = clock.now()
    if (row.revoked !== null) throw new AppError('key_revoked', `key ${row.id} was revoked at ${new Date(row.revoked).toISOString()}`)
    if (row.expires !== null && row.expires <= now)
      throw new AppError('key_expired', `key ${row.id} expired at ${new Date(row.expires).toISOString()}`)
    if (row.last_used === null || now - row.last_used >= LAST_USED_EVERY_MS) await store.touchKey(row.id, now)
    return { kind: 'key', id: row.id, name: row.name, scope: row.scope }
  }
  const authenticateDevice = async (token: string): Promise<Actor> => {
    const { lookup, hash } = hashToken(token)
    const row = (await store.devicesByLookup(lookup)).find((candidate) => sameHash(candidate.hash, hash))
    if (!row) throw new AppError('unauthenticated', 'this device token is not known here: register the device anew')
    if (row.expires <= clock.now()) throw new AppError('key_expired', 'this device token has expired: register the device anew')
    return { kind: 'device', id: row.id, app: row.app }
  }

  return {
    authenticate: async (token) => {
      const kind = kindOf(token)
      if (kind === undefined)
        throw new AppError('unauthenticated', 'the Authorization header must be "Bearer shoal_…", a key or a device token')
      return kind === 'device' ? authenticateDevice(token) : authenticateKey(token)
    },
    listKeys: async () => (await store.keys()).map(keyInfo),
    createKey: async ({ name, scope, expires }) => {
      if (expires !== undefined && expires <= clock.now())
        throw new AppError('invalid_input', 'the key would have expired already', {
          issues: [{ where: 'body.expires', what: 'must lie in the future' }],
        })
      const secret = newToken(scope, random)
      return { key: keyInfo(await insertKey(name, scope, secret, expires ?? null)), secret }
    },
    getKey: async (id) => {
      const row = await store.key(id)
      if (!row) throw new AppError('not_found', `there is no key ${id}`)
      return keyInfo(row)
    },
    revokeKey: async (id) => {
      if (!(await store.revokeKey(id, clock.now()))) throw new AppError('not_found', `there is no key ${id}`)
    },
    listApps: async () => (await store.apps()).map(appInfo),
    getApp,
    createApp: async ({ app, models }) => {
      const wanted = JSON.stringify([...new Set(models)].sort())
      await store.insertApp({ app, created: clock.now(), models: wanted })
      const found = await getApp(app)
      if (JSON.stringify(found.models) !== wanted)
        throw new AppError('already_exists', `app ${app} exists with the models ${found.models.join(', ')}`)
      return found
    },
    registerDevice: async (app) => {
      await getApp(app)
      const token = newToken('device', random)
      const now = clock.now()
      const row = { id: newId('device', random), app, ...hashToken(token), created: now, expires: now + DEVICE_TOKEN_LIFETIME_MS }
      await store.insertDevice(row)
      return { device: row.id, token, expires: row.expires }
    },
    assertMayUse: async (actor, model) => {
      if (actor.kind !== 'device') return
      const { models } = await getApp(actor.app)
      if (!models.includes(model)) throw new AppError('forbidden', `app ${actor.app} does not use model ${model}`)
    },
    ensureAdminKey: async (secret) => {
      if (secret !== undefined) {
        if (kindOf(secret) !== 'admin')
          throw new AppError('invalid_input', 'the given admin key must have the form shoal_admin_ and 43 characters of base64url')
        await insertKey('given at start', 'admin', secret, null)
        return undefined
      }
      if ((await store.keys()).length > 0) return undefined
      const made = newToken('admin', random)
      await insertKey('first key', 'admin', made, null)
      return made
    },
  }
}

type KeyRow = Awaited<ReturnType<ReturnType<typeof accessStore>['keys']>>[number]
type AppRow = Awaited<ReturnType<ReturnType<typeof accessStore>['apps']>>[number]

const keyInfo = ({ id, name, scope, created, expires, revoked, last_used }: KeyRow): KeyInfo => ({
  id,
  name,
  scope,
  created,
  expires,
  revoked,
  lastUsed: last_used,
})
const appInfo = ({ app, created, models }: AppRow): AppInfo => ({ app, created, models: JSON.parse(models) as Slug[] })
