import type { ApiTestKind } from '../../shared/contract/version-tests.ts'
import type { Slug } from '../../shared/core/ids.ts'
import type { Db } from '../storage/database.ts'

type VersionTestRow = {
  model: Slug
  version: number
  /** 1, 2, 3 … of a version. */
  number: number
  kind: ApiTestKind
  at: number
  by: string
  checks: string
  figures: string
}

/** The SQL of tests that versions were put to. */
export function versionTestStore(base: Db) {
  const db = base.withTables<{ version_tests: VersionTestRow }>()
  return {
    /** Inside a transaction: the next number is taken in it. */
    async add(row: Omit<VersionTestRow, 'number'>): Promise<void> {
      const last = await db
        .selectFrom('version_tests')
        .select((s) => s.fn.max('number').as('number'))
        .where('model', '=', row.model)
        .where('version', '=', row.version)
        .executeTakeFirst()
      await db
        .insertInto('version_tests')
        .values({ ...row, number: (last?.number ?? 0) + 1 })
        .execute()
    },
    newest: (model: Slug, version: number, limit: number) =>
      db
        .selectFrom('version_tests')
        .selectAll()
        .where('model', '=', model)
        .where('version', '=', version)
        .orderBy('number', 'desc')
        .limit(limit)
        .execute(),
  }
}
