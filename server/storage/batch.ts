import { CompiledQuery } from 'kysely'
import type { Db } from './database.ts'

/** Text with a `?` for each of its values. */
export type Statement = { readonly text: string; readonly values: readonly (string | number | null)[] }

export type BatchOptions = {
  /** False: outlives this process, but perhaps not the machine's death, until the next transaction that is synced. */
  readonly synced?: boolean
}

/** A query of Kysely's whose statements the driver carries out in one go. */
export type BatchQuery = CompiledQuery & { readonly statements: readonly Statement[]; readonly synced: boolean }

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

/** The rows of a query whose text is ours: what is asked between two steps is not put together anew each time. */
export const readRows = async <R>(db: Db, { text, values }: Statement): Promise<R[]> =>
  (await db.executeQuery<R>(CompiledQuery.raw(text, [...values]))).rows
