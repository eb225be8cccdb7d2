import { CompiledQuery } from 'kysely'
import { must } from '../../shared/core/assert.ts'
import type { Db } from './database.ts'

/** Keys of a statement: powers of two, so that the texts are few and stay compiled. */
const MAX_PART = 4096

export type RowsOfKeys = {
  /** The query around its list of places: `select … where id in (${places})`. */
  readonly query: (places: string) => string
  readonly keys: readonly (string | number)[]
}

/** The rows of any number of keys, in no order. Each row is one key's alone, as the keys are asked for in parts. The text of a query is ours, never a request's. */
export async function rowsOfKeys<R>(db: Db, { query, keys }: RowsOfKeys): Promise<R[]> {
  let found: R[] = []
  for (let at = 0; at < keys.length; ) {
    const part = keys.slice(at, at + MAX_PART)
    // what a list says twice is found once: its last key fills it up
    const size = 2 ** Math.ceil(Math.log2(part.length))
    const filled = part.concat(Array<string | number>(size - part.length).fill(must(part.at(-1), 'a key')))
    const { rows } = await db.executeQuery<R>(CompiledQuery.raw(query(Array<string>(size).fill('?').join(', ')), filled))
    found = found.length === 0 ? rows : found.concat(rows)
    at += MAX_PART
  }
  return found
}
