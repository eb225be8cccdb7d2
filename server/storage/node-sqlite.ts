import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type LimitNode,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  ValueNode,
} from 'kysely'
import { systemClock } from '../../shared/core/clock.ts'
import { AppError } from '../../shared/core/errors.ts'
import { assert, must } from '../../shared/core/assert.ts'
import { type BatchQuery, type DurableRow, isBatch, isDurable, isTuple } from './statements.ts'
import { createWalSync, type SyncFile, type WalSync } from './wal-sync.ts'

/** How long a query waits for the transaction before it. Transactions are short: a longer wait means that one waits for itself. */
const MAX_WAIT_MS = 10_000
/** Compiled statements kept for reuse. */
const MAX_STATEMENTS = 500
const SCHEMA_CHANGE = /^\s*(alter|create|drop)\b/i

type Prepared = { readonly statement: StatementSync; readonly columns: readonly string[] }

/**
 * Kysely over node:sqlite: one connection, one holder at a time. A transaction holds it from BEGIN IMMEDIATE to COMMIT, everything else
 * queues in order. SQLite's own failures become `storage_full` and `unavailable`; constraint violations pass through.
 */
export function nodeSqliteDialect(open: () => DatabaseSync, sync?: SyncFile): Dialect {
  return {
    createDriver: () => createDriver(open, sync),
    createQueryCompiler: () => new QueryCompiler(),
    createAdapter: () => new SqliteAdapter(),
    createIntrospector: (db) => new SqliteIntrospector(db),
  }
}

/** SQLite's planner looks at a limit, and plans anew each time that one is bound: it stands in the text, of which there are few. */
class QueryCompiler extends SqliteQueryCompiler {
  protected override visitLimit(node: LimitNode): void {
    if (!ValueNode.is(node.limit) || !Number.isSafeInteger(node.limit.value)) return super.visitLimit(node)
    this.append(`limit ${String(node.limit.value)}`)
  }
}

function createDriver(open: () => DatabaseSync, sync: SyncFile | undefined): Driver {
  let wal: WalSync | undefined
  let database: DatabaseSync | undefined
  let connection: DatabaseConnection | undefined
  const lock = createLock()
  return {
    init: async () => {
      database = open()
      wal = createWalSync({ wal: walOf(database), sync, checkpoint: () => checkpoint(must(database, 'an open database')) })
      connection = createConnection(database, wal)
    },
    acquireConnection: async () => {
      await lock.take()
      return must(connection, 'an open database connection')
    },
    beginTransaction: async (held) => void (await held.executeQuery(CompiledQuery.raw('begin immediate'))),
    commitTransaction: async (held) => void (await held.executeQuery(CompiledQuery.raw('commit'))),
    rollbackTransaction: async (held) => {
      // SQLite has already rolled back by itself after some failures (disk full, I/O error)
      if (database?.isTransaction) await held.executeQuery(CompiledQuery.raw('rollback'))
    },
    releaseConnection: async () => lock.give(),
    destroy: async () => {
      wal?.close()
      database?.close()
    },
  }
}

const walOf = (database: DatabaseSync): string | undefined => {
  const file = database.location()
  return file === null ? undefined : `${file}-wal`
}

function checkpoint(database: DatabaseSync): void {
  const { busy } = database.prepare('pragma wal_checkpoint(truncate)').get() as { busy: number }
  if (busy !== 0) throw new Error('somebody reads the database')
}

function createConnection(database: DatabaseSync, wal: WalSync): DatabaseConnection {
  const statements = new Map<string, Prepared>()
  const prepare = (sql: string): Prepared => {
    const known = statements.get(sql)
    if (known) return known
    const statement = database.prepare(sql)
    const columns = statement.columns().map(({ name }) => name)
    // rows as arrays, made into objects here: those that node:sqlite makes have no hidden class, and take thrice the time to make and to read
    if (columns.length > 0) statement.setReturnArrays(true)
    // what is kept may read tables that a change of the schema has changed
    if (statements.size >= MAX_STATEMENTS || SCHEMA_CHANGE.test(sql)) statements.clear()
    const prepared = { statement, columns }
    statements.set(sql, prepared)
    return prepared
  }
  const run = (sql: string, values: readonly SQLInputValue[] = []) => prepare(sql).statement.run(...values)
  const runBatch = ({ statements, synced }: BatchQuery): void => {
    assert(!database.isTransaction, 'a batch that is a transaction of its own')
    // SQLite heeds it from one transaction to the next; a later one that is synced takes this one with it
    if (!synced) database.exec('pragma synchronous = normal')
    try {
      run('begin immediate')
      for (const { text, values } of statements) run(text, values)
      run('commit')
      if (synced) wal.synced()
      else wal.written()
    } finally {
      // SQLite has already rolled back by itself after some failures
      if (database.isTransaction) run('rollback')
      if (!synced) database.exec('pragma synchronous = full')
    }
  }
  return {
    executeQuery: async <R>(query: CompiledQuery): Promise<QueryResult<R>> => {
      try {
        if (!database.isTransaction) wal.mend()
        if (isBatch(query)) {
          runBatch(query)
          return { rows: [] }
        }
        if (isDurable(query)) return { rows: [{ durable: wal.durable() } satisfies DurableRow as R] }
        const { sql, parameters } = query
        const { statement, columns } = prepare(sql)
        const values = parameters as readonly SQLInputValue[]
        if (columns.length > 0) {
          const tuples = statement.all(...values) as unknown as unknown[][]
          return { rows: isTuple(query) ? (tuples as R[]) : rowsOf<R>(columns, tuples) }
        }
        const { changes, lastInsertRowid } = statement.run(...values)
        return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) }
      } catch (thrown) {
        throw storageFailure(thrown)
      }
    },
    // node:sqlite reads synchronously, so streaming would only hold the connection for longer
    streamQuery: () => {
      throw new Error('streaming is not supported: page the query instead')
    },
  }
}

function rowsOf<R>(columns: readonly string[], arrays: readonly unknown[][]): R[] {
  return arrays.map((values) => {
    const row: Record<string, unknown> = {}
    for (let i = 0; i < columns.length; i++) row[columns[i] as string] = values[i]
    return row as R
  })
}

/** SQLite primary result codes (sqlite.org/rescode.html). */
const SQLITE = { busy: 5, ioerr: 10, corrupt: 11, full: 13, cantopen: 14, readonly: 8, notadb: 26 }

function storageFailure(thrown: unknown): unknown {
  const code = (thrown as { errcode?: unknown } | null)?.errcode
  if (typeof code !== 'number') return thrown
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  switch (code & 0xff) {
    case SQLITE.full:
      return new AppError('storage_full', `the database could not grow: ${message}`, { cause: thrown })
    case SQLITE.busy:
    case SQLITE.ioerr:
    case SQLITE.cantopen:
    case SQLITE.readonly:
      return new AppError('unavailable', `the database did not answer: ${message}`, { cause: thrown })
    case SQLITE.corrupt:
    case SQLITE.notadb:
      return new AppError('damaged_data', `the database file is damaged (${message}): restore a backup`, { cause: thrown })
    default:
      return thrown
  }
}

type Waiter = { readonly wake: () => void; readonly waited: AbortController }

function createLock(): { take(): Promise<void>; give(): void } {
  let taken = false
  const waiting: Waiter[] = []
  return {
    take: () => {
      if (!taken) {
        taken = true
        return Promise.resolve()
      }
      return new Promise((resolve, reject) => {
        const waiter: Waiter = { wake: resolve, waited: new AbortController() }
        const tooLong = (): void => {
          waiting.splice(waiting.indexOf(waiter), 1)
          reject(
            new AppError(
              'unavailable',
              `the database was held for ${MAX_WAIT_MS} ms: a transaction that queries outside itself waits for itself`,
            ),
          )
        }
        // real time, also where the rest runs on a clock of its own: this ends a bug, it is no behaviour
        systemClock.sleep(MAX_WAIT_MS, waiter.waited.signal).then(tooLong, () => {})
        waiting.push(waiter)
      })
    },
    give: () => {
      const next = waiting.shift()
      if (!next) {
        taken = false
        return
      }
      next.waited.abort()
      next.wake()
    },
  }
}
