import { CompiledQuery } from 'kysely'
import type { Db } from './database.ts'

/** Rows of a statement: few sizes, so that the texts are few and stay compiled. SQLite allows 32,766 variables in one. */
const PARTS = [1000, 100, 10, 5, 2, 1]

export type InsertRows = {
  readonly into: string
  readonly columns: readonly string[]
  /** Values in the order of the columns. */
  readonly rows: readonly (readonly (string | number | null)[])[]
  /** What follows the values: `on conflict …`. */
  readonly onConflict?: string
}

/**
 * Inserts many rows, in order. Kysely's builder makes a node of each value, which takes longer than the database does to store it: here the text is put together once
 * for each size, and the values go as they are. Names and `onConflict` are text of ours, never of a request.
 */
export async function insertRows(db: Db, { into, columns, rows, onConflict = '' }: InsertRows): Promise<void> {
  const row = `(${columns.map(() => '?').join(', ')})`
  let at = 0
  for (const size of PARTS) {
    if (rows.length - at < size) continue
    const text = `insert into ${into} (${columns.join(', ')}) values ${Array<string>(size).fill(row).join(', ')} ${onConflict}`
    for (; rows.length - at >= size; at += size) await db.executeQuery(CompiledQuery.raw(text, rows.slice(at, at + size).flat()))
  }
}
