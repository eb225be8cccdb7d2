import type { Slug } from '../../shared/core/ids.ts'
import type { Db } from '../storage/database.ts'

export type ReleaseRow = { model: Slug; alias: Slug; sequence: number; issued: number; expires: number; document: string; envelope: string }

export function releaseStore(base: Db) {
  const db = base.withTables<{ releases: ReleaseRow }>()
  return {
    current: (model: Slug, alias: Slug) =>
      db
        .selectFrom('releases')
        .selectAll()
        .where('model', '=', model)
        .where('alias', '=', alias)
        .orderBy('sequence', 'desc')
        .limit(1)
        .executeTakeFirst(),
    insert: (row: ReleaseRow) => db.insertInto('releases').values(row).execute(),
    /** Those whose newest document expires before `time`. */
    expiringBefore: (time: number) =>
      db
        .selectFrom('releases')
        .select(['model', 'alias'])
        .groupBy(['model', 'alias'])
        .having((s) => s.fn.max('expires'), '<', time)
        .execute(),
  }
}
