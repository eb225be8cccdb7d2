import { CompiledQuery } from 'kysely'
import type { Db } from './database.ts'

/** Text with a `?` for each of its values. */
export type Statement = { readonly text: string; readonly values: readonly (string | number | null)[] }

export type BatchOptions = {
  /** False: outlives this process, but perhaps not the machine's death, until `durable` says so or the next transaction that is synced. */
  readonly synced?: boolean
}

/** A query of Kysely's whose statements the driver carries out in one go. */
export type BatchQuery = CompiledQuery & { readonly statements: readonly Statement[]; readonly synced: boolean }

/** Asks for a promise: the query itself must not hold the database for as long as the disk takes. */
export type DurableQuery = CompiledQuery & { readonly durable: true }
export type DurableRow = { readonly durable: Promise<void> }

/** Asks for rows as lists of values. */
export type TupleQuery = CompiledQuery & { readonly tuples: true }
export const isTuple = (query: CompiledQuery): query is TupleQuery => 'tuples' in query

export const isDurable = (query: CompiledQuery): query is DurableQuery => 'durable' in query
export const isBatch = (query: CompiledQuery): query is BatchQuery => 'statements' in query

/**
 * Writes that need nothing read between them, as one transaction of their own: all of them or none, durable when this resolves (unless not `synced`). Kysely's transactions
 * compile each statement anew and wait for the event loop after it: what a step's end writes took thrice as long that way. Texts are ours, never a request's, and few: they
 * stay compiled. Not for use inside a transaction.
 */
export async function writeBatch(db: Db, statements: readonly Statement[], { synced = true }: BatchOptions = {}): Promise<void> {
  const query: BatchQuery = { ...CompiledQuery.raw(''), statements, synced }
  if (statements.length > 0) await db.executeQuery(query)
}

/** Resolves when everything that was committed so far is on the disk. Throws `unavailable`. */
export async function durable(db: Db): Promise<void> {
  const query: DurableQuery = { ...CompiledQuery.raw(''), durable: true }
  const { rows } = await db.executeQuery<DurableRow>(query)
  await rows[0]?.durable
}

/** The rows of a query whose text is ours: what is asked between two steps is not put together anew each time. */
export const readRows = async <R>(db: Db, { text, values }: Statement): Promise<R[]> =>
  (await db.executeQuery<R>(CompiledQuery.raw(text, [...values]))).rows

/** The rows as lists of values, in the order of the columns. */
export async function readTuples<R extends unknown[]>(db: Db, { text, values }: Statement): Promise<R[]> {
  const query: TupleQuery = { ...CompiledQuery.raw(text, [...values]), tuples: true }
  return (await db.executeQuery<R>(query)).rows
}
