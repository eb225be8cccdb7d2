import type { Client, Fetch } from '../../shared/contract/client.ts'
import type { Clock } from '../../shared/core/clock.ts'
import type { AppError } from '../../shared/core/errors.ts'
import type { Random } from '../../shared/core/random.ts'
import type { Envelope } from '../../shared/trust/dsse.ts'
import type { ConsentControl } from './api.ts'
import type { Identity } from './identity.ts'
import type { Locks } from './locks.ts'
import type { Outbox } from './outbox.ts'
import type { RuntimeHost } from './runtime-host.ts'
import type { DeviceStorage } from './storage/device-storage.ts'
import type { Training } from './training/training.ts'

/** What the parts of one device share. */
export type DeviceContext = {
  readonly app: string
  readonly url: string
  readonly fetch: Fetch
  readonly client: Client
  readonly storage: DeviceStorage
  readonly host: RuntimeHost
  readonly clock: Clock
  readonly random: Random
  readonly locks: Locks
  readonly identity: Identity
  readonly outbox: Outbox
  readonly consent: ConsentControl
  readonly training: Training
  /** The root that the app ships; undefined trusts the first one seen. */
  readonly root: Envelope | undefined
  /** Names this tab's or process's life. */
  readonly session: string
  /** Whether the page can be seen: a hidden one is throttled, and its latency says nothing. */
  readonly visible: () => boolean
  /** Attempts after the first, for a download that was cut off. */
  readonly retries: number
  /** Remembers a failure for diagnostics. */
  readonly note: (error: AppError) => void
}
