import * as z from 'zod/mini'
import type { Client } from '../../shared/contract/client.ts'
import type { Clock } from '../../shared/core/clock.ts'
import { id, slug, time } from '../../shared/core/fields.ts'
import { type DeviceId, newId } from '../../shared/core/ids.ts'
import type { Random } from '../../shared/core/random.ts'
import type { DeviceStorage } from './storage/device-storage.ts'

const identity = z.object({
  device: id('device'),
  registration: z.nullable(z.object({ device: id('device'), token: z.string(), expires: time })),
})
type IdentityRecord = z.infer<typeof identity>

/**
 * Who this device is: a random id, with a token for sending once it is registered. A device whose person shares no counts never registers: its id is its own
 * and stays here.
 */
export type Identity = {
  /** Decides the cohort. The server's, once registered: it checks that a device speaks for the arm it was assigned to. */
  readonly device: DeviceId
  token(): string | undefined
  /** Registers with the app unless a token is held that is still good. */
  register(client: Client, options?: { readonly anew?: boolean }): Promise<void>
}

const SETTING = 'identity'
/** A token is renewed this long before it ends, so that no request meets its end. */
const RENEWAL_MS = 24 * 60 * 60 * 1000

export async function loadIdentity({
  storage,
  random,
  clock,
  app,
}: {
  storage: DeviceStorage
  random: Random
  clock: Clock
  app: string
}): Promise<Identity> {
  const stored = await storage.updateSetting(SETTING, (value) =>
    identity.safeParse(value).success ? value : { device: newId('device', random), registration: null },
  )
  let record: IdentityRecord = identity.parse(stored)
  return {
    get device() {
      return record.registration?.device ?? record.device
    },
    token: () => record.registration?.token,
    async register(client, { anew = false } = {}) {
      if (!anew && record.registration !== null && record.registration.expires > clock.now() + RENEWAL_MS) return
      const { device, token, expires } = await client('devices.register', { params: { app: slug.parse(app) } })
      record = { ...record, registration: { device, token, expires } }
      await storage.updateSetting(SETTING, () => record)
    },
  }
}
