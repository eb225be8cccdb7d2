import { CompiledQuery } from 'kysely'
import type { Db } from './database.ts'

/** Keys of a statement: few sizes, so that the texts are few and stay compiled. */
const PARTS = [4096, 512, 64, 8, 1]

export type RowsOfKeys = {
  /** The query around its list of places: `select … where id in (${places})`. */
  readonly query: (places: string) => string
  readonly keys: readonly (string | number)[]
}

/** The rows of any number of keys, in no order. Each row is one key's alone, as the keys are asked for in parts. The text of a query is ours, never a request's. */
export async function rowsOfKeys<R>(db: Db, { query, keys }: RowsOfKeys): Promise<R[]> {
  let found: R[] = []
  for (let at = 0; at < keys.length; ) {
    const size = PARTS.find((one) => one <= keys.length - at) ?? 1
    const { rows } = await db.executeQuery<R>(CompiledQuery.raw(query(Array<string>(size).fill('?').join(', ')), keys.slice(at, at + size)))
    found = found.length === 0 ? rows : found.concat(rows)
    at += size
  }
  return found
}
