import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fromBase64 } from '../../shared/core/bytes.ts'
import { AppError } from '../../shared/core/errors.ts'
import { scanCsv } from '../analysis/scan-csv.ts'
import { literal, openDuck } from './duckdb.ts'

/** Row groups small enough to be read in parts, compression that keeps images small. One writer, so that equal rows give equal bytes. */
export const PARQUET_OPTIONS = '(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 20000)'

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

/**
 * A CSV file with a header line as Parquet; types are found by looking at the values. Every record is looked at first: left to guess, DuckDB leaves ragged
 * rows out in silence. Throws invalid_input naming the lines at fault.
 */
export async function csvToParquet(from: string, to: string, folder: string): Promise<void> {
  const { delimiter, columns, rows } = await scanCsv(from, 'the upload')
  const duck = await openDuck({ folder, files: [from] })
  try {
    const read = `read_csv(${literal(from)}, header = true, skip = 0, delim = ${literal(delimiter)}, quote = '"', escape = '"', comment = '', sample_size = 100000)`
    await duck.run(`COPY (SELECT * FROM ${read}) TO ${literal(to)} ${PARQUET_OPTIONS}`)
  } finally {
    duck.close()
  }
  const written = await countParquetRows(to, folder)
  // an empty line is a row of a file with one column, or none at all: there DuckDB decides
  if (columns.length > 1 && written !== rows)
    throw new AppError('invalid_input', `the upload has ${rows} rows, but ${written} of them could be read`)
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
