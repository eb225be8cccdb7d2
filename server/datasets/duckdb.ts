import { join } from 'node:path'
import type { DuckDBConnection, DuckDBValue, JS } from '@duckdb/node-api'
import { must } from '../../shared/core/assert.ts'
import { systemClock } from '../../shared/core/clock.ts'
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
  /** Ends what still runs, and closes as soon as it has ended: a connection that is closed under its query would wait for it with the whole thread. */
  close(): void
}

/** One connection: its queries run one after the other. */
export type DuckLane = {
  /** Throws invalid_input with DuckDB's own message. */
  run(sql: string, values?: readonly DuckDBValue[]): Promise<void>
  rows(sql: string, values?: readonly DuckDBValue[]): Promise<Record<string, JS>[]>
  /** Runs what needs the connection itself, so that `close` waits for it. */
  busy<T>(work: () => Promise<T>): Promise<T>
  readonly connection: DuckDBConnection
}

/** Rows of a group in a Parquet file: few enough to be read in parts. */
export const GROUP_ROWS = 20_000
/** Compression that keeps images small. One writer, so that equal rows give equal bytes. */
export const PARQUET_OPTIONS = `(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${GROUP_ROWS})`

/** Between two tries to end a query, milliseconds. */
const INTERRUPT_MS = 20

/** A text as an SQL literal. */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`
/** A name as an SQL identifier. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

const refusal = (thrown: unknown): AppError =>
  new AppError('invalid_input', (thrown instanceof Error ? thrown.message : String(thrown)).slice(0, 2000), { cause: thrown })

/** A native library of 60 MB: loaded when data is first worked on, not at the server's start. */
let library: typeof import('@duckdb/node-api') | undefined

/** DuckDB's own types and values, for whoever has opened a database. */
export const duckLibrary = () => must(library, 'DuckDB, which openDuck loads')

export async function openDuck({ folder, files = [], memoryMb = 1024, threads = 2, signal }: DuckOptions): Promise<Duck> {
  library ??= await import('@duckdb/node-api')
  const instance = await library.DuckDBInstance.create(':memory:', {
    memory_limit: `${memoryMb}MB`,
    threads: String(threads),
    temp_directory: join(folder, 'spill'),
    // what is freed goes back to the system, or the process would keep as much again as the limit says
    allocator_background_threads: 'true',
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
  const lanes: DuckDBConnection[] = [connection]
  let running = 0
  let closed = false
  const interrupt = (): void => {
    if (running === 0) return
    for (const each of lanes) each.interrupt()
    // a query that is between two of its steps does not notice
    void systemClock.sleep(INTERRUPT_MS).then(interrupt)
  }
  const closeAll = (): void => {
    for (const each of lanes) each.closeSync()
    instance.closeSync()
  }
  const busy = async <T>(work: () => Promise<T>): Promise<T> => {
    if (closed) throw new AppError('conflict', 'the database has been closed')
    if (signal?.aborted) throw new AppError('aborted', 'the query was aborted', { cause: signal.reason })
    running++
    try {
      return await work()
    } finally {
      if (--running === 0 && closed) closeAll()
    }
  }
  const query = <T>(work: () => Promise<T>): Promise<T> =>
    busy(work).catch((thrown: unknown) => {
      throw thrown instanceof AppError ? thrown : refusal(thrown)
    })
  const laneOf = (each: DuckDBConnection): DuckLane => ({
    run: (sql, values) =>
      query(async () => {
        await each.run(sql, values && [...values])
      }),
    rows: (sql, values) => query(async () => (await each.runAndReadAll(sql, values && [...values])).getRowObjectsJS()),
    busy,
    connection: each,
  })
  signal?.addEventListener('abort', interrupt)
  return {
    ...laneOf(connection),
    lane: async () => {
      const another = await instance.connect()
      lanes.push(another)
      return laneOf(another)
    },
    close: () => {
      if (closed) return
      closed = true
      signal?.removeEventListener('abort', interrupt)
      if (running === 0) closeAll()
      else interrupt()
    },
  }
}
