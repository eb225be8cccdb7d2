import type { DeviceId, KeyId, Slug } from '../../shared/core/ids.ts'
import type { KeyScope } from '../../shared/contract/route.ts'
import type { Db } from '../storage/database.ts'

type KeyRow = {
  id: KeyId
  name: string
  scope: KeyScope
  lookup: string
  hash: string
  created: number
  expires: number | null
  revoked: number | null
  last_used: number | null
}
type AppRow = { app: Slug; created: number; models: string }
type DeviceRow = { id: DeviceId; app: Slug; lookup: string; hash: string; created: number; expires: number }
type AccessTables = { api_keys: KeyRow; apps: AppRow; devices: DeviceRow }

export function accessStore(base: Db) {
  const db = base.withTables<AccessTables>()
  return {
    keys: () => db.selectFrom('api_keys').selectAll().orderBy('created').orderBy('id').execute(),
    key: (id: KeyId) => db.selectFrom('api_keys').selectAll().where('id', '=', id).executeTakeFirst(),
    keysByLookup: (lookup: string) => db.selectFrom('api_keys').selectAll().where('lookup', '=', lookup).execute(),
    insertKey: async (row: KeyRow) =>
      (await db
        .insertInto('api_keys')
        .values(row)
        .onConflict((c) => c.column('hash').doNothing())
        .returning('id')
        .executeTakeFirst()) !== undefined,
    /** Keeps the first revocation. False when there is no such key. */
    revokeKey: async (id: KeyId, now: number) => {
      await db.updateTable('api_keys').set({ revoked: now }).where('id', '=', id).where('revoked', 'is', null).execute()
      return (await db.selectFrom('api_keys').select('id').where('id', '=', id).executeTakeFirst()) !== undefined
    },
    touchKey: (id: KeyId, now: number) => db.updateTable('api_keys').set({ last_used: now }).where('id', '=', id).execute(),
    apps: () => db.selectFrom('apps').selectAll().orderBy('app').execute(),
    app: (app: Slug) => db.selectFrom('apps').selectAll().where('app', '=', app).executeTakeFirst(),
    insertApp: async (row: AppRow) =>
      (await db
        .insertInto('apps')
        .values(row)
        .onConflict((c) => c.column('app').doNothing())
        .returning('app')
        .executeTakeFirst()) !== undefined,
    insertDevice: (row: DeviceRow) => db.insertInto('devices').values(row).execute(),
    devicesByLookup: (lookup: string) => db.selectFrom('devices').selectAll().where('lookup', '=', lookup).execute(),
  }
}
