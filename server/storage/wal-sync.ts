import { close, fdatasync, open } from 'node:fs'
import { promisify } from 'node:util'
import { AppError } from '../../shared/core/errors.ts'

/** How a file is made durable: a seam, so that a test can hold it up or have it fail. */
export type SyncFile = (descriptor: number) => Promise<void>

const fileSync: SyncFile = promisify(fdatasync)
const openFile = promisify(open)

export type WalSync = {
  /** Something was committed that SQLite has not synced. */
  written(): void
  /** Everything that was committed is synced: SQLite syncs the whole log. */
  synced(): void
  /** Resolves when what was committed so far is on the disk. Throws `unavailable`. */
  durable(): Promise<void>
  /** After a sync that failed: brings the log into the database before anything else is committed behind a hole. Throws `unavailable`. */
  mend(): void
  close(): void
}

export type WalSyncOptions = {
  /** Undefined for a database in memory. */
  readonly wal: string | undefined
  readonly sync?: SyncFile | undefined
  /** Brings the whole log into the database and syncs that. Throws where it cannot. */
  readonly checkpoint: () => void
}

/**
 * Syncs the write-ahead log beside SQLite, in another thread: what was committed without a sync becomes durable while this thread does other work. The log is one file for
 * as long as the database is open, and holds no locks, which closing a descriptor of a file would take from SQLite. After a sync that failed the log may have a hole, of which
 * no later sync tells, and behind which nothing is found after the machine's death: then only a checkpoint of all of it counts.
 */
export function createWalSync({ wal, sync = fileSync, checkpoint }: WalSyncOptions): WalSync {
  let descriptor: Promise<number> | undefined
  let dirty = false
  let broken = false
  let last: Promise<void> = Promise.resolve()
  const failed = (thrown: unknown) => new AppError('unavailable', `the database could not be synced: ${String(thrown)}`, { cause: thrown })
  const run = async (path: string): Promise<void> => {
    try {
      await sync(await (descriptor ??= openFile(path, 'r+')))
    } catch (thrown) {
      broken = true
      throw failed(thrown)
    }
  }
  return {
    written: () => {
      dirty = wal !== undefined
    },
    synced: () => {
      dirty = false
      last = Promise.resolve()
    },
    durable: () => {
      if (!dirty || wal === undefined) return last
      dirty = false
      last = run(wal)
      // whoever waits for it is told
      last.catch(() => {})
      return last
    },
    mend: () => {
      if (!broken) return
      try {
        checkpoint()
      } catch (thrown) {
        throw failed(thrown)
      }
      broken = false
      dirty = false
      last = Promise.resolve()
    },
    close: () => void descriptor?.then((opened) => promisify(close)(opened)).catch(() => {}),
  }
}
