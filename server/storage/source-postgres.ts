import { AppError } from '../../shared/core/errors.ts'
import type { SourceColumn, SourceRows, SourceType } from '../datasets/sources/rows-to-parquet.ts'

const BATCH = 4096

/** By object id of the type (pg_type.dat); all others come as text. */
const TYPES: Record<number, SourceType> = {
  16: 'BOOLEAN',
  17: 'BLOB',
  20: 'BIGINT',
  21: 'BIGINT',
  23: 'BIGINT',
  26: 'BIGINT',
  700: 'DOUBLE',
  701: 'DOUBLE',
  1700: 'DOUBLE',
  1082: 'DATE',
  1114: 'TIMESTAMP',
  1184: 'TIMESTAMPTZ',
}
const BYTEA = 17

/** Failures in which the server's own words say what to do; others (a password, a host) are about the connection. */
function refusal(name: string, thrown: unknown): AppError {
  const { code, message } = thrown as { code?: string; message?: string }
  const said = message ?? String(thrown)
  if (thrown instanceof AppError) return thrown
  if (code === '57014') return new AppError('timeout', `${name}: the query took too long and was ended`, { cause: thrown })
  // classes of SQLSTATE: connection, authorization, resources, operator
  if (code === undefined || !/^[0-9A-Z]{5}$/.test(code) || /^(08|28|53|57)/.test(code))
    return new AppError('unavailable', `${name} cannot be reached: ${said}`, { cause: thrown })
  return new AppError('invalid_input', `${name}: ${said}`, { cause: thrown })
}

/**
 * Opens a cursor in a transaction that can only read, so that rows stream and nothing changes. The query is one SELECT: it is asked as part of another, and by the
 * protocol that takes a single statement.
 */
export async function openPostgresSource(
  url: string,
  name: string,
  { table, query, timeoutMs }: { table?: string | undefined; query?: string | undefined; timeoutMs: number },
): Promise<SourceRows & { close(): Promise<void> }> {
  const { default: pg } = await import('pg')
  const client = new pg.Client({
    connectionString: url,
    statement_timeout: timeoutMs,
    connectionTimeoutMillis: 10_000,
    application_name: 'shoal',
    // every value as the text that the server sends
    types: { getTypeParser: () => (text: string) => text },
  })
  const ask = (text: string) => client.query<(string | null)[]>({ text, rowMode: 'array', queryMode: 'extended' } as never)
  client.on('error', () => {})
  try {
    await client.connect()
    await ask('BEGIN READ ONLY')
    await ask("SET LOCAL TIME ZONE 'UTC'")
    await ask("SET LOCAL bytea_output = 'hex'")
    await ask("SET LOCAL datestyle = 'ISO'")
    const from = query === undefined ? await wantedTable(ask, name, table) : `(${query}\n) AS selection`
    await ask(`DECLARE shoal_rows NO SCROLL CURSOR FOR SELECT * FROM ${from}`)
    const first = await ask(`FETCH ${BATCH} FROM shoal_rows`)
    const columns = first.fields.map((field): SourceColumn => ({ name: field.name, type: TYPES[field.dataTypeID] ?? 'VARCHAR' }))
    const bytes = first.fields.map((field) => field.dataTypeID === BYTEA)
    const clean = (rows: (string | null)[][]) =>
      rows.map((row) => row.map((value, at) => (bytes[at] === true && value !== null ? value.slice(2) : value)))
    async function* batches(): AsyncGenerator<(string | null)[][]> {
      for (let { rows } = first; rows.length > 0; ) {
        yield clean(rows)
        rows = (
          await ask(`FETCH ${BATCH} FROM shoal_rows`).catch((thrown: unknown) => {
            throw refusal(name, thrown)
          })
        ).rows
      }
    }
    return { columns, batches: batches(), close: () => client.end() }
  } catch (thrown) {
    await client.end().catch(() => {})
    throw refusal(name, thrown)
  }
}

type Ask = (text: string) => Promise<{ rows: (string | null)[][] }>

async function wantedTable(ask: Ask, name: string, table: string | undefined): Promise<string> {
  const { rows } = await ask(
    "SELECT quote_ident(table_schema) || '.' || quote_ident(table_name), table_schema || '.' || table_name, table_name FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 2",
  )
  const found =
    rows.find(([, full, short]) => full === table || short === table) ?? (table === undefined && rows.length === 1 ? rows[0] : undefined)
  if (found?.[0]) return found[0]
  const shown =
    rows
      .map(([, full]) => full)
      .slice(0, 20)
      .join(', ') || 'none'
  throw new AppError(
    'invalid_input',
    table === undefined ? `${name} has ${rows.length} tables: name one of ${shown}` : `${name} has no table ${table}; it has ${shown}`,
  )
}
