import { sql } from 'kysely'
import type { Clock } from '../../shared/core/clock.ts'
import { AppError } from '../../shared/core/errors.ts'
import type { Db } from './database.ts'

/** One step of the schema. `name` sorts: NNNN-what. */
export type Migration = { readonly name: string; readonly up: (db: Db) => Promise<void> }

type MigrationTables = { migrations: { name: string; applied: number } }

/**
 * Applies what is missing, in order of name, each in one transaction together with its record: a crash leaves a migration whole or absent.
 * Refuses (`incompatible_data`) a database that a newer program has migrated.
 */
export async function migrate(db: Db, all: readonly Migration[], clock: Clock): Promise<string[]> {
  await db.schema
    .createTable('migrations')
    .ifNotExists()
    .addColumn('name', 'text', (column) => column.primaryKey().notNull())
    .addColumn('applied', 'integer', (column) => column.notNull())
    .execute()
  const recorded = await db.withTables<MigrationTables>().selectFrom('migrations').select('name').orderBy('name').execute()
  const done = new Set(recorded.map((row) => row.name))
  const unknown = [...done].filter((name) => !all.some((migration) => migration.name === name))
  if (unknown.length > 0)
    throw new AppError(
      'incompatible_data',
      `the database was migrated by a newer Shoal (${unknown.join(', ')}): start that one, or restore a backup from before`,
    )
  const missing = all.filter((migration) => !done.has(migration.name)).sort((a, b) => (a.name < b.name ? -1 : 1))
  for (const migration of missing) {
    await db.transaction().execute(async (tx) => {
      await migration.up(tx)
      await tx.withTables<MigrationTables>().insertInto('migrations').values({ name: migration.name, applied: clock.now() }).execute()
      done.add(migration.name)
      await sql`pragma user_version = ${sql.raw(String(done.size))}`.execute(tx)
    })
  }
  return missing.map((migration) => migration.name)
}
