import * as z from 'zod/mini'
import type { Consent, ConsentControl } from './api.ts'
import type { DeviceStorage } from './storage/device-storage.ts'

const choices = z.object({ statistics: z.optional(z.boolean()), sharing: z.optional(z.boolean()) })

const SETTING = 'consent'

export type ConsentOptions = {
  readonly storage: DeviceStorage
  /** What holds until the person chooses. */
  readonly defaults: Partial<Consent>
  /** Global Privacy Control (globalprivacycontrol.github.io/gpc-spec): both are off until the person chooses otherwise. */
  readonly globalPrivacyControl: boolean
  readonly onRefused: (refused: { statistics: boolean; sharing: boolean }) => Promise<void>
}

/** What the person agreed to: their own choice, else Global Privacy Control, else the app's default, else counts yes and examples no. */
export async function loadConsent({ storage, defaults, globalPrivacyControl, onRefused }: ConsentOptions): Promise<ConsentControl> {
  const read = choices.safeParse(await storage.setting(SETTING))
  let chosen = read.success ? read.data : {}
  const effective = (): Consent => ({
    statistics: chosen.statistics ?? (globalPrivacyControl ? false : (defaults.statistics ?? true)),
    sharing: chosen.sharing ?? (globalPrivacyControl ? false : (defaults.sharing ?? false)),
  })
  return {
    get statistics() {
      return effective().statistics
    },
    get sharing() {
      return effective().sharing
    },
    async set(change) {
      chosen = { ...chosen, ...change }
      const { statistics, sharing } = chosen
      await storage.updateSetting(SETTING, () => ({
        ...(statistics === undefined ? {} : { statistics }),
        ...(sharing === undefined ? {} : { sharing }),
      }))
      await onRefused({ statistics: !effective().statistics, sharing: !effective().sharing })
    },
  }
}
