import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fromBase64 } from '../../shared/core/bytes.ts'
import { AppError } from '../../shared/core/errors.ts'
import { openTable } from '../analysis/open-table.ts'
import { literal, openDuck, PARQUET_OPTIONS, quoted } from './duckdb.ts'

/** A folder that is there for the time of `work` only. */
export async function inFolder<T>(parent: string, work: (folder: string) => Promise<T>): Promise<T> {
  await mkdir(parent, { recursive: true })
  const folder = await mkdtemp(join(parent, 'work-'))
  try {
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** How many rows a Parquet file has. Throws invalid_input for another kind of file, and for one without rows or columns. */
export async function countParquetRows(path: string, folder: string): Promise<number> {
  const duck = await openDuck({ folder, files: [path], memoryMb: 256 })
  try {
    const [row] = await duck.rows(`SELECT count(*)::DOUBLE AS n FROM read_parquet(${literal(path)})`)
    const rows = Number(row?.['n'] ?? 0)
    if (rows === 0) throw new AppError('invalid_input', 'the file has no rows')
    return rows
  } finally {
    duck.close()
  }
}

/** Writes what comes to a file. Throws body_too_large. */
export async function saveStream(data: ReadableStream<Uint8Array>, path: string, maxBytes: number): Promise<void> {
  let bytes = 0
  const limit = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      bytes += chunk.length
      done(bytes > maxBytes ? new AppError('body_too_large', `the file has more than ${maxBytes} bytes: upload it in parts`) : null, chunk)
    },
  })
  await pipeline(Readable.fromWeb(data as Parameters<typeof Readable.fromWeb>[0]), limit, createWriteStream(path))
}

export type UploadFormat = 'csv' | 'json' | 'parquet'

const FORMATS: Record<string, UploadFormat> = {
  '.csv': 'csv',
  '.tsv': 'csv',
  '.json': 'json',
  '.jsonl': 'json',
  '.ndjson': 'json',
  '.parquet': 'parquet',
}

/** By the end of a file's name; undefined for what is no table. */
export const uploadFormatOf = (path: string): UploadFormat | undefined => FORMATS[extname(path).toLowerCase()]

/**
 * A file of rows as Parquet; types are found by looking at the values. Every record of text is looked at first: left to guess, DuckDB leaves ragged rows out in silence.
 * @throws AppError invalid_input naming file, line or row of what is at fault.
 */
export async function fileToParquet(from: string, file: string, format: UploadFormat, to: string, folder: string): Promise<void> {
  const table = await openTable(from, format, folder, file)
  try {
    const columns = table.columns.map(({ id, name }) => `${id} AS ${quoted(name)}`)
    const distinct = new Set(table.columns.map(({ name }) => name.toLowerCase()))
    if (distinct.size < columns.length)
      throw new AppError('invalid_input', `${file} has two columns whose names differ in upper and lower case only: rename one of them`)
    await table.duck.run(`COPY (SELECT ${columns.join(', ')} FROM ${table.from}) TO ${literal(to)} ${PARQUET_OPTIONS}`)
  } finally {
    table.duck.close()
  }
}

export type ExampleRow = { readonly id: string; readonly label: string; readonly captured: number; readonly data: string }

/**
 * Shared examples as Parquet: `id`, `split` (empty: chosen by the pipeline), `source`, `label`, `pixels`, `captured` (epoch milliseconds). Rows are in order
 * of id, so that the same examples are the same file.
 */
export async function examplesToParquet(rows: readonly ExampleRow[], source: string, to: string, folder: string): Promise<void> {
  const duck = await openDuck({ folder })
  try {
    await duck.run('CREATE TABLE examples (id VARCHAR, split VARCHAR, source VARCHAR, label VARCHAR, pixels BLOB, captured BIGINT)')
    const appender = await duck.connection.createAppender('examples')
    for (const row of rows) {
      appender.appendVarchar(row.id)
      appender.appendNull()
      appender.appendVarchar(source)
      appender.appendVarchar(row.label)
      appender.appendBlob(fromBase64(row.data))
      appender.appendBigInt(BigInt(row.captured))
      appender.endRow()
    }
    appender.closeSync()
    await duck.run(`COPY (SELECT * FROM examples ORDER BY id) TO ${literal(to)} ${PARQUET_OPTIONS}`)
  } finally {
    duck.close()
  }
}
