import { DatabaseSync } from 'node:sqlite'
import { Kysely, sql } from 'kysely'
import type { Clock } from '../../shared/core/clock.ts'
import { AppError } from '../../shared/core/errors.ts'
import { migrate } from './migrate.ts'
import { migrations } from './migrations.ts'
import { nodeSqliteDialect } from './node-sqlite.ts'
import type { SyncFile } from './wal-sync.ts'

/** The database without a view on its tables: each store narrows it with `db.withTables<ItsTables>()`. A transaction is one too. */
export type Db = Kysely<object>

/** 'Shoa' in ASCII: what `file` and we ourselves recognise a database by. */
export const APPLICATION_ID = 0x53686f61
/** Every SQLite from 3.7.0 to here could lose committed pages (the WAL-reset bug, sqlite.org/releaselog/3_51_3.html). */
const OLDEST_SQLITE = '3.51.3'
const JOURNAL_LIMIT_BYTES = 64 * 1024 * 1024
/** Pages kept in memory: searches and lineage walk tables larger than SQLite's own 2 MB. */
const CACHE_KIB = 64 * 1024

export type OpenDatabase = {
  /** A path, or ':memory:'. */
  readonly file: string
  readonly clock: Clock
  /** Makes the log durable; the disk's own way unless given. */
  readonly sync?: SyncFile
}

/** Opens, checks and migrates. Throws `incompatible_data` (not ours, or newer than this program) and `damaged_data`. */
export async function openDatabase({ file, clock, sync }: OpenDatabase): Promise<Db> {
  const db = new Kysely<object>({ dialect: nodeSqliteDialect(() => openFile(file), sync) })
  try {
    await migrate(db, migrations, clock)
  } catch (thrown) {
    await db.destroy()
    throw thrown
  }
  return db
}

function openFile(file: string): DatabaseSync {
  const database = new DatabaseSync(file)
  try {
    prepareFile(database, file)
  } catch (thrown) {
    database.close()
    if (thrown instanceof AppError) throw thrown
    throw new AppError(
      'damaged_data',
      `${file} does not open as a database (${thrown instanceof Error ? thrown.message : String(thrown)}): restore a backup`,
      { cause: thrown },
    )
  }
  return database
}

function prepareFile(database: DatabaseSync, file: string): void {
  const one = (query: string): unknown => Object.values(database.prepare(query).get() ?? {})[0]
  const version = String(one('select sqlite_version()'))
  if (!atLeast(version, OLDEST_SQLITE))
    throw new AppError('incompatible_data', `SQLite ${version} may lose committed data: use the Node that package.json names`)
  database.exec(`
    pragma busy_timeout = 5000;
    pragma journal_mode = wal;
    pragma synchronous = full;
    pragma foreign_keys = on;
    pragma trusted_schema = off;
    pragma cache_size = -${CACHE_KIB};
    pragma cell_size_check = on;
    pragma journal_size_limit = ${JOURNAL_LIMIT_BYTES};
  `)
  const application = one('pragma application_id')
  const empty = one('select count(*) from sqlite_schema') === 0
  if (application !== APPLICATION_ID && !empty)
    throw new AppError('incompatible_data', `${file} is a database of another program: name another data folder`)
  if (empty) database.exec(`pragma application_id = ${APPLICATION_ID}`)
  const found = one('pragma quick_check(1)')
  if (found !== 'ok') throw new AppError('damaged_data', `${file} is damaged (${String(found)}): restore a backup`)
}

const atLeast = (version: string, oldest: string): boolean => {
  const [a, b] = [version, oldest].map((text) => text.split('.').map(Number))
  for (let i = 0; i < 3; i++) {
    const difference = (a?.[i] ?? 0) - (b?.[i] ?? 0)
    if (difference !== 0) return difference > 0
  }
  return true
}

/** Moves everything from the write-ahead log into the database file, then closes. */
export async function closeDatabase(db: Db): Promise<void> {
  await sql`pragma wal_checkpoint(truncate)`.execute(db)
  await db.destroy()
}

/** A full check of the file: what is wrong, empty when nothing is. */
export async function checkIntegrity(db: Db): Promise<string[]> {
  const { rows } = await sql<{ integrity_check: string }>`pragma integrity_check`.execute(db)
  const { rows: foreign } = await sql<{ table: string }>`pragma foreign_key_check`.execute(db)
  return [
    ...rows.map((row) => row.integrity_check).filter((text) => text !== 'ok'),
    ...foreign.map((row) => `a row of ${row.table} refers to nothing`),
  ]
}

/** A write that changes nothing: it needs the lock, and a file that takes writes. */
export const probeWrite = (db: Db): Promise<unknown> =>
  db.transaction().execute((tx) => sql`update migrations set name = name where applied < 0`.execute(tx))
