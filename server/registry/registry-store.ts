import type { Sha256 } from '../../shared/core/digest.ts'
import type { RunId, Slug } from '../../shared/core/ids.ts'
import type { AliasChange, VersionSummary } from '../../shared/contract/registry.ts'
import type { Db } from '../storage/database.ts'

type ModelRow = { name: Slug; description: string; created: number }
export type VersionRow = {
  model: Slug
  version: number
  manifest: Sha256
  parent: number | null
  created: number
  bytes: number
  metrics: string
  run: RunId | null
  notes: string
  revoked_at: number | null
  revoked_reason: string | null
  request: string | null
}
type AliasRow = { model: Slug; alias: Slug; version: number }
type AliasChangeRow = {
  model: Slug
  alias: Slug
  sequence: number
  from_version: number | null
  to_version: number
  at: number
  by: string
  reason: string
}
type RegistryTables = {
  models: ModelRow
  versions: VersionRow
  manifests: { digest: Sha256; envelope: string }
  aliases: AliasRow
  alias_changes: AliasChangeRow
}

/** The registry's SQL, over the database or inside a transaction. */
export function registryStore(base: Db) {
  const db = base.withTables<RegistryTables>()
  const versions = (model: Slug) => db.selectFrom('versions').selectAll().where('model', '=', model)
  return {
    insertModel: async (row: ModelRow) =>
      (await db
        .insertInto('models')
        .values(row)
        .onConflict((c) => c.column('name').doNothing())
        .returning('name')
        .executeTakeFirst()) !== undefined,
    models: () => db.selectFrom('models').selectAll().orderBy('name').execute(),
    model: (name: Slug) => db.selectFrom('models').selectAll().where('name', '=', name).executeTakeFirst(),
    /** How many versions a model has, and the newest one's number. */
    versionCounts: () =>
      db
        .selectFrom('versions')
        .select((s) => ['model', s.fn.countAll<number>().as('versions'), s.fn.max('version').as('latest')])
        .groupBy('model')
        .execute(),
    versions: (model: Slug) => versions(model).orderBy('version', 'desc').execute(),
    version: (model: Slug, version: number) => versions(model).where('version', '=', version).executeTakeFirst(),
    versionByRequest: (request: string) => db.selectFrom('versions').selectAll().where('request', '=', request).executeTakeFirst(),
    latestVersion: async (model: Slug) =>
      (
        await db
          .selectFrom('versions')
          .select((s) => s.fn.max('version').as('latest'))
          .where('model', '=', model)
          .executeTakeFirst()
      )?.latest ?? null,
    revokedVersions: async (model: Slug) =>
      (
        await db
          .selectFrom('versions')
          .select('version')
          .where('model', '=', model)
          .where('revoked_at', 'is not', null)
          .orderBy('version')
          .execute()
      ).map((row) => row.version),
    insertVersion: (row: VersionRow) => db.insertInto('versions').values(row).execute(),
    revokeVersion: (model: Slug, version: number, at: number, reason: string) =>
      db
        .updateTable('versions')
        .set({ revoked_at: at, revoked_reason: reason })
        .where('model', '=', model)
        .where('version', '=', version)
        .where('revoked_at', 'is', null)
        .execute(),
    insertManifest: (digest: Sha256, envelope: string) =>
      db
        .insertInto('manifests')
        .values({ digest, envelope })
        .onConflict((c) => c.column('digest').doNothing())
        .execute(),
    manifest: async (digest: Sha256) =>
      (await db.selectFrom('manifests').select('envelope').where('digest', '=', digest).executeTakeFirst())?.envelope,
    aliases: (model?: Slug) => {
      const query = db.selectFrom('aliases').selectAll().orderBy('alias')
      return (model === undefined ? query : query.where('model', '=', model)).execute()
    },
    aliasTarget: async (model: Slug, alias: Slug) =>
      (await db.selectFrom('aliases').select('version').where('model', '=', model).where('alias', '=', alias).executeTakeFirst())?.version,
    moveAlias: async (row: AliasRow, change: { from: number | null; at: number; by: string; reason: string }) => {
      await db
        .insertInto('aliases')
        .values(row)
        .onConflict((c) => c.columns(['model', 'alias']).doUpdateSet({ version: row.version }))
        .execute()
      const last = await db
        .selectFrom('alias_changes')
        .select((s) => s.fn.max('sequence').as('sequence'))
        .where('model', '=', row.model)
        .where('alias', '=', row.alias)
        .executeTakeFirst()
      const { from, at, by, reason } = change
      await db
        .insertInto('alias_changes')
        .values({
          model: row.model,
          alias: row.alias,
          sequence: (last?.sequence ?? 0) + 1,
          from_version: from,
          to_version: row.version,
          at,
          by,
          reason,
        })
        .execute()
    },
    /** Newest first. */
    aliasHistory: (model: Slug, alias: Slug) =>
      db
        .selectFrom('alias_changes')
        .selectAll()
        .where('model', '=', model)
        .where('alias', '=', alias)
        .orderBy('sequence', 'desc')
        .execute(),
  }
}

export type RegistryStore = ReturnType<typeof registryStore>

export const versionSummaryOf = (row: VersionRow, aliases: readonly AliasRow[]): VersionSummary => ({
  model: row.model,
  version: row.version,
  manifest: row.manifest,
  parent: row.parent,
  created: row.created,
  bytes: row.bytes,
  metrics: JSON.parse(row.metrics) as Record<string, number>,
  run: row.run,
  notes: row.notes,
  revoked: row.revoked_at === null ? null : { at: row.revoked_at, reason: row.revoked_reason ?? '' },
  aliases: aliases.filter((alias) => alias.version === row.version).map((alias) => alias.alias),
})

export const aliasChangeOf = (row: AliasChangeRow): AliasChange => ({
  alias: row.alias,
  from: row.from_version,
  to: row.to_version,
  at: row.at,
  by: row.by,
  reason: row.reason,
})
