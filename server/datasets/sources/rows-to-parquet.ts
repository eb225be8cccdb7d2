import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../../shared/core/errors.ts'
import { duckLibrary, literal, openDuck, quoted } from '../duckdb.ts'
import { PARQUET_OPTIONS } from '../duckdb.ts'

/** `BLOB` comes as hex. */
export type SourceType = 'BIGINT' | 'DOUBLE' | 'BOOLEAN' | 'DATE' | 'TIMESTAMP' | 'TIMESTAMPTZ' | 'VARCHAR' | 'BLOB'
export type SourceColumn = { readonly name: string; readonly type: SourceType }
/** Rows of a database, some thousand at a time, every value as its text. */
export type SourceRows = {
  readonly columns: readonly SourceColumn[]
  readonly batches: AsyncIterable<readonly (readonly (string | null)[])[]>
}

/** Rows of one part: what is held in memory. */
const PART_ROWS = 100_000
const CHUNK_ROWS = 2048

const asType = ({ name, type }: SourceColumn, at: number): string => {
  const value = type === 'BLOB' ? `unhex(c${at})` : type === 'VARCHAR' ? `c${at}` : `c${at}::${type}`
  return `${value} AS ${quoted(name)}`
}

/** Writes rows as one Parquet file, in parts, so that memory does not grow with their number. @returns how many there were. */
export async function rowsToParquet({ columns, batches }: SourceRows, to: string, folder: string): Promise<number> {
  const names = new Set(columns.map(({ name }) => name.toLowerCase()))
  if (columns.length === 0) throw new AppError('invalid_input', 'the query gives no columns')
  if (names.size < columns.length)
    throw new AppError('invalid_input', 'two columns have one name: give them different ones (SELECT a.id AS a_id, …)')
  const duck = await openDuck({ folder, threads: 1, memoryMb: 512 })
  const { DuckDBDataChunk, VARCHAR } = duckLibrary()
  const types = columns.map(() => VARCHAR)
  const parts: string[] = []
  let rows = 0
  let inPart = 0
  let appender: Awaited<ReturnType<typeof duck.connection.createAppender>> | undefined
  const endPart = async (): Promise<void> => {
    if (appender === undefined) return
    appender.closeSync()
    appender = undefined
    const part = join(folder, `part-${parts.length}.parquet`)
    await duck.run(`COPY (SELECT ${columns.map(asType).join(', ')} FROM part) TO ${literal(part)} ${PARQUET_OPTIONS}`)
    await duck.run('DROP TABLE part')
    parts.push(part)
    inPart = 0
  }
  try {
    for await (const batch of batches) {
      for (let at = 0; at < batch.length; at += CHUNK_ROWS) {
        if (appender === undefined) {
          await duck.run(`CREATE TABLE part (${columns.map((_, column) => `c${column} VARCHAR`).join(', ')})`)
          appender = await duck.connection.createAppender('part')
        }
        const some = batch.slice(at, at + CHUNK_ROWS)
        const chunk = DuckDBDataChunk.create(types)
        chunk.setColumns(columns.map((_, column) => some.map((row) => row[column] ?? null)))
        appender.appendDataChunk(chunk)
        rows += some.length
        inPart += some.length
        if (inPart >= PART_ROWS) await endPart()
      }
    }
    await endPart()
    if (rows === 0) throw new AppError('invalid_input', 'the source has no rows')
    await duck.run(`COPY (SELECT * FROM read_parquet([${parts.map(literal).join(', ')}])) TO ${literal(to)} ${PARQUET_OPTIONS}`)
    return rows
  } finally {
    appender?.closeSync()
    duck.close()
    for (const part of parts) await rm(part, { force: true })
  }
}
