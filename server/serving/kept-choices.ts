import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { BackendChoice } from '../../shared/compute/backend-choice.ts'
import { rememberedChoice } from '../../shared/compute/remembered-choice.ts'
import type { Sha256 } from '../../shared/core/digest.ts'
import { writeWhole } from '../storage/write-whole.ts'

export type KeptChoice = { readonly choice: BackendChoice; readonly fingerprint: string }

/** What ran each version fastest on this machine. On its disk and not in the database, as another machine measures something else. */
export type KeptChoices = {
  /** Undefined where nothing was kept, or nothing that can be read: then it is measured again. */
  of(manifest: Sha256): Promise<KeptChoice | undefined>
  keep(manifest: Sha256, kept: KeptChoice): Promise<void>
  forget(manifest: Sha256): Promise<void>
}

/** One small file for each version, whole or not there. The folder is made with the first. */
export function keptChoices(folder: string): KeptChoices {
  const fileOf = (manifest: Sha256): string => join(folder, `${manifest}.json`)
  return {
    async of(manifest) {
      try {
        const parsed = rememberedChoice.safeParse(JSON.parse(await readFile(fileOf(manifest), 'utf8')))
        // parsed into what it is
        return parsed.success ? (parsed.data as KeptChoice) : undefined
      } catch {
        return undefined
      }
    },
    async keep(manifest, kept) {
      await mkdir(folder, { recursive: true })
      await writeWhole(fileOf(manifest), JSON.stringify(kept))
    },
    forget: (manifest) => rm(fileOf(manifest), { force: true }),
  }
}
