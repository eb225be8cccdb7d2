import { join } from 'node:path'
import type { DuckDBConnection, DuckDBValue, JS } from '@duckdb/node-api'
import { AppError } from '../../shared/core/errors.ts'

export type DuckOptions = {
  /** Where DuckDB may write: results, and what does not fit into memory. */
  readonly folder: string
  /** The only other files that SQL may read. */
  readonly files?: readonly string[]
  readonly memoryMb?: number
  readonly threads?: number
  /** Ends the query that is running, whatever it does. */
  readonly signal?: AbortSignal
}

/** An in-memory DuckDB, shut off from the network and from all files but those named. */
export type Duck = DuckLane & {
  /** Another connection to the same tables, for a query beside this one's: with one thread each, both run at once and each in the order of its rows. */
  lane(): Promise<DuckLane>
  close(): void
}

/** One connection: its queries run one after the other. */
export type DuckLane = {
  /** Throws invalid_input with DuckDB's own message. */
  run(sql: string, values?: readonly DuckDBValue[]): Promise<void>
  rows(sql: string, values?: readonly DuckDBValue[]): Promise<Record<string, JS>[]>
  readonly connection: DuckDBConnection
}

/** Row groups small enough to be read in parts, compression that keeps images small. One writer, so that equal rows give equal bytes. */
export const PARQUET_OPTIONS = '(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 20000)'

/** A text as an SQL literal. */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`
/** A name as an SQL identifier. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

const refusal = (thrown: unknown): AppError =>
  new AppError('invalid_input', (thrown instanceof Error ? thrown.message : String(thrown)).slice(0, 2000), { cause: thrown })

export async function openDuck({ folder, files = [], memoryMb = 1024, threads = 2, signal }: DuckOptions): Promise<Duck> {
  // a native library of 60 MB: loaded when data is first worked on, not at the server's start
  const { DuckDBInstance } = await import('@duckdb/node-api')
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: `${memoryMb}MB`,
    threads: String(threads),
    temp_directory: join(folder, 'spill'),
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  })
  const connection = await instance.connect()
  // times without a zone mean the same everywhere
  await connection.run("SET GLOBAL TimeZone = 'UTC'").catch(() => {})
  await connection.run(`SET allowed_directories = [${literal(`${folder}/`)}]`)
  await connection.run(`SET allowed_paths = [${files.map(literal).join(', ')}]`)
  await connection.run('SET enable_external_access = false')
  await connection.run('SET lock_configuration = true')
  const lanes: DuckDBConnection[] = []
  const interrupt = (): void => {
    for (const each of [...lanes, connection]) each.interrupt()
  }
  signal?.addEventListener('abort', interrupt)
  return {
    ...laneOf(connection),
    lane: async () => {
      const another = await instance.connect()
      lanes.push(another)
      return laneOf(another)
    },
    close: () => {
      signal?.removeEventListener('abort', interrupt)
      for (const each of [...lanes, connection]) each.closeSync()
      instance.closeSync()
    },
  }
}

const laneOf = (connection: DuckDBConnection): DuckLane => ({
  run: async (sql, values) => {
    try {
      await connection.run(sql, values && [...values])
    } catch (thrown) {
      throw refusal(thrown)
    }
  },
  rows: async (sql, values) => {
    try {
      const reader = await connection.runAndReadAll(sql, values && [...values])
      return reader.getRowObjectsJS()
    } catch (thrown) {
      throw refusal(thrown)
    }
  },
  connection,
})
