import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** Removes what steps and conversions of a process that was killed have left in its working folder. */
export async function clearWork(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => [])
  for (const name of names) if (/^(step_|work-)/.test(name)) await rm(join(folder, name), { recursive: true, force: true })
}
