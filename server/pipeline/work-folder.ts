import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** Removes what steps and conversions of a process that was killed have left in its working folder. */
export async function clearWork(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => [])
  for (const name of names) if (/^(step_|work-)/.test(name)) await rm(join(folder, name), { recursive: true, force: true })
}

/** Where a step keeps what its next attempt can go on from. With the cache key: what was kept for other inputs is of no use. */
export const keptFolder = (folder: string, step: string, key: string): string => join(folder, 'kept', `${step}-${key.slice(0, 16)}`)

/** A run that was not resumed within a week is not waited for. */
const KEPT_FOR = 7 * 24 * 60 * 60 * 1000

export async function clearKept(folder: string, now: number): Promise<void> {
  const kept = join(folder, 'kept')
  for (const name of await readdir(kept).catch(() => [])) {
    const { mtimeMs } = await stat(join(kept, name))
    if (now - mtimeMs > KEPT_FOR) await rm(join(kept, name), { recursive: true, force: true })
  }
}
