import { DatabaseSync } from 'node:sqlite'
import { AppError } from '../../shared/core/errors.ts'
import type { SourceColumn, SourceRows, SourceType } from '../datasets/sources/rows-to-parquet.ts'

const BATCH = 4096

const refusal = (path: string, thrown: unknown): AppError =>
  thrown instanceof AppError
    ? thrown
    : new AppError('invalid_input', `${path}: ${thrown instanceof Error ? thrown.message : String(thrown)}`, { cause: thrown })

const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`

const textOf = (value: unknown): string | null =>
  value === null || value === undefined ? null : value instanceof Uint8Array ? Buffer.from(value).toString('hex') : String(value)

/** What the values of a column are; SQLite lets each row have its own type. */
function typeOf(kinds: ReadonlySet<string>, declared: string | null): SourceType {
  const names = [...kinds]
  if (names.length > 0 && names.every((name) => name === 'integer')) return 'BIGINT'
  if (names.length > 0 && names.every((name) => name === 'integer' || name === 'real')) return 'DOUBLE'
  if (names.length === 1 && names[0] === 'blob') return 'BLOB'
  return names.length === 1 && /^TIMESTAMP|^DATETIME/i.test(declared ?? '') ? 'TIMESTAMP' : 'VARCHAR'
}

/** Opens a SQLite file for reading only. A query is one SELECT: it is asked as part of another. The file's name stands in each failure. */
export function openSqliteSource(
  path: string,
  name: string,
  { table, query }: { table?: string | undefined; query?: string | undefined },
): SourceRows & { close(): void } {
  let db: DatabaseSync
  try {
    db = new DatabaseSync(path, { readOnly: true })
  } catch (thrown) {
    throw refusal(name, thrown)
  }
  try {
    const from = query === undefined ? identifier(wantedTable(db, name, table)) : `(${query}\n)`
    const whole = db.prepare(`SELECT * FROM ${from}`)
    // what follows the first statement would be passed over in silence
    if (whole.sourceSQL.length < `SELECT * FROM ${from}`.length)
      throw new AppError('invalid_input', `${name}: the query must be a single SELECT`)
    const described = whole.columns()
    const kinds = kindsOf(
      db,
      from,
      described.map((column) => column.name),
    )
    const columns = described.map(
      (column, at): SourceColumn => ({
        name: column.name,
        type: timeOrText(db, from, column.name, typeOf(kinds[at] ?? new Set(), column.type)),
      }),
    )
    return { columns, batches: batchesOf(db, from, columns, name), close: () => db.close() }
  } catch (thrown) {
    db.close()
    throw refusal(name, thrown)
  }
}

function wantedTable(db: DatabaseSync, file: string, table: string | undefined): string {
  const found = db
    .prepare("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY name")
    .all()
  const names = found.map((row) => String(row['name']))
  if (table !== undefined && names.includes(table)) return table
  const [only] = names
  if (table === undefined && names.length === 1 && only !== undefined) return only
  const shown = names.slice(0, 20).join(', ') || 'none'
  throw new AppError(
    'invalid_input',
    table === undefined ? `${file} has ${names.length} tables: name one of ${shown}` : `${file} has no table ${table}; it has ${shown}`,
  )
}

function kindsOf(db: DatabaseSync, from: string, names: readonly string[]): Set<string>[] {
  const kinds = ['integer', 'real', 'text', 'blob']
  const asked = names.flatMap((name, at) => kinds.map((kind) => `max(typeof(${identifier(name)}) = '${kind}') AS ${kind}${at}`))
  // SQLite gives back 2,000 columns at most
  const found = new Map<string, unknown>()
  for (let at = 0; at < asked.length; at += 1000)
    for (const [key, value] of Object.entries(db.prepare(`SELECT ${asked.slice(at, at + 1000).join(', ')} FROM ${from}`).get() ?? {}))
      found.set(key, value)
  return names.map((_, at) => new Set(kinds.filter((kind) => found.get(`${kind}${at}`) === 1)))
}

/** Text that is declared to be a time, and is one in every row. */
function timeOrText(db: DatabaseSync, from: string, name: string, type: SourceType): SourceType {
  if (type !== 'TIMESTAMP') return type
  const column = identifier(name)
  const row = db
    .prepare(
      `SELECT count(*) AS n FROM ${from} WHERE typeof(${column}) = 'text' AND NOT (${column} GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*' AND datetime(${column}) IS NOT NULL)`,
    )
    .get()
  return row?.['n'] === 0 ? 'TIMESTAMP' : 'VARCHAR'
}

async function* batchesOf(
  db: DatabaseSync,
  from: string,
  columns: readonly SourceColumn[],
  name: string,
): AsyncGenerator<(string | null)[][]> {
  const statement = db.prepare(`SELECT * FROM ${from}`)
  statement.setReadBigInts(true)
  statement.setReturnArrays(true)
  let batch: (string | null)[][] = []
  try {
    for (const row of statement.iterate() as unknown as Iterable<readonly unknown[]>) {
      batch.push(columns.map((_, at) => textOf(row[at])))
      if (batch.length < BATCH) continue
      yield batch
      batch = []
    }
  } catch (thrown) {
    throw refusal(name, thrown)
  }
  if (batch.length > 0) yield batch
}
