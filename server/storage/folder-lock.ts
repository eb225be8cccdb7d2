import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { AppError } from '../../shared/core/errors.ts'

/** How long a start waits for a server that is just stopping, in milliseconds. */
const WAIT_MS = 3000

/**
 * Keeps a second server off a data folder, as two would sign releases with the same sequence and run each pipeline twice. The lock is one that SQLite takes on
 * a file of its own: the operating system drops it with the process, however that ends, so that no stale lock has to be cleared by hand.
 * Throws `conflict` when another process holds it. Returns what gives it back.
 */
export async function lockFolder(folder: string): Promise<() => void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const file = new DatabaseSync(join(folder, 'server.lock'))
  try {
    file.exec(`pragma busy_timeout = ${WAIT_MS}; begin exclusive`)
  } catch (cause) {
    file.close()
    throw new AppError('conflict', `another server works on the data folder ${folder}: stop it, or name another folder with --data`, {
      cause,
    })
  }
  return () => file.close()
}
