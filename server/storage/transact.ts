import { assert } from '../../shared/core/assert.ts'
import type { Db } from './database.ts'

const waiting = new WeakMap<Db, (() => void)[]>()

/** One transaction. What `afterCommit` was given inside runs once it is durable, in order, and not at all when it failed. */
export async function transact<T>(db: Db, work: (tx: Db) => Promise<T>): Promise<T> {
  const callbacks: (() => void)[] = []
  const result = await db.transaction().execute((tx) => {
    waiting.set(tx, callbacks)
    return work(tx)
  })
  for (const callback of callbacks) callback()
  return result
}

/** Work that belongs to a transaction's success: publishing events. `tx` is the very object that `transact` gave. */
export function afterCommit(tx: Db, callback: () => void): void {
  const callbacks = waiting.get(tx)
  assert(callbacks, 'a transaction begun with transact() (pass its tx on as it is, without withTables)')
  callbacks.push(callback)
}

/** Inside `tx` when there is one, else in a transaction of its own. */
export const within = <T>(db: Db, tx: Db | undefined, work: (tx: Db) => Promise<T>): Promise<T> => (tx ? work(tx) : transact(db, work))
