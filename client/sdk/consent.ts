import * as z from 'zod/mini'
import type { Consent, ConsentControl } from './api.ts'
import type { DeviceStorage } from './storage/device-storage.ts'

const choices = z.object({ statistics: z.optional(z.boolean()), sharing: z.optional(z.boolean()), training: z.optional(z.boolean()) })

const SETTING = 'consent'

export type ConsentOptions = {
  readonly storage: DeviceStorage
  /** What holds until the person chooses. */
  readonly defaults: Partial<Consent>
  /** Global Privacy Control (globalprivacycontrol.github.io/gpc-spec): all are off until the person chooses otherwise. */
  readonly globalPrivacyControl: boolean
  readonly onRefused: (refused: Consent) => Promise<void>
}

/** What the person agreed to: their own choice, else Global Privacy Control, else the app's default, else counts yes, examples and training no. */
export async function loadConsent({ storage, defaults, globalPrivacyControl, onRefused }: ConsentOptions): Promise<ConsentControl> {
  const read = choices.safeParse(await storage.setting(SETTING))
  let chosen = read.success ? read.data : {}
  const effective = (): Consent => ({
    statistics: chosen.statistics ?? (globalPrivacyControl ? false : (defaults.statistics ?? true)),
    sharing: chosen.sharing ?? (globalPrivacyControl ? false : (defaults.sharing ?? false)),
    training: chosen.training ?? (globalPrivacyControl ? false : (defaults.training ?? false)),
  })
  return {
    get statistics() {
      return effective().statistics
    },
    get sharing() {
      return effective().sharing
    },
    get training() {
      return effective().training
    },
    async set(change) {
      chosen = { ...chosen, ...change }
      const { statistics, sharing, training } = chosen
      await storage.updateSetting(SETTING, () => ({
        ...(statistics === undefined ? {} : { statistics }),
        ...(sharing === undefined ? {} : { sharing }),
        ...(training === undefined ? {} : { training }),
      }))
      await onRefused({ statistics: !effective().statistics, sharing: !effective().sharing, training: !effective().training })
    },
  }
}
