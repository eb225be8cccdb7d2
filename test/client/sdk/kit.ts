import type { Fetch } from '../../../shared/contract/client.ts'
import { type ManualClock, manualClock } from '../../../shared/core/clock.ts'
import { slug } from '../../../shared/core/fields.ts'
import { seededRandom } from '../../../shared/core/random.ts'
import type { Shoal } from '../../../client/sdk/api.ts'
import { createDevice, type DeviceOptions } from '../../../client/sdk/device.ts'
import { memoryLocks } from '../../../client/sdk/locks.ts'
import { memoryStorage } from '../../../client/sdk/storage/memory-storage.ts'
import { createTestServer, type TestServer } from '../../server/harness.ts'
import { type DigitModel, digitModel, type DigitModelOptions } from '../../simulator/digit-model.ts'
import { nodeHost } from '../../simulator/fleet.ts'
import { publishVersion, registerVersion } from '../../simulator/publish.ts'

export const APP = 'digits'
export const MODEL = slug.parse('digits')

export type Intercept = (path: string, init: RequestInit, next: Fetch) => Promise<Response>

export type Kit = {
  readonly server: TestServer
  readonly clock: ManualClock
  readonly admin: ReturnType<TestServer['client']>
  /** Every request of the devices since the last `forget`: method and path. */
  readonly requests: string[]
  /** Stands between devices and server; unset, requests pass. */
  intercept: Intercept | undefined
  publish(options?: DigitModelOptions): Promise<{ version: number; made: DigitModel }>
  register(options?: DigitModelOptions): Promise<{ version: number; made: DigitModel }>
  device(options?: Partial<DeviceOptions> & { seed?: number }): Promise<Shoal>
  close(): Promise<void>
}

export const offline: Intercept = () => Promise.reject(new TypeError('Failed to fetch'))

/** The real server in this process, and devices that talk to it. */
export async function createKit(): Promise<Kit> {
  const clock = manualClock()
  const server = await createTestServer({ clock })
  const admin = server.client(server.keys.admin)
  await admin('apps.create', { body: { app: slug.parse(APP), models: [MODEL] } })
  const requests: string[] = []
  const hosts: ReturnType<typeof nodeHost>[] = []
  let seed = 1
  const kit: Kit = {
    server,
    clock,
    admin,
    requests,
    intercept: undefined,
    async publish(options = {}) {
      const made = await digitModel(options)
      return { version: (await publishVersion(admin, APP, made)).version, made }
    },
    async register(options = {}) {
      const made = await digitModel(options)
      return { version: (await registerVersion(admin, APP, made)).version, made }
    },
    async device({ seed: chosen = seed++, ...options } = {}) {
      const host = options.host ?? nodeHost()
      hosts.push(host)
      const fetch: Fetch = (path, init) => {
        requests.push(`${init.method ?? 'GET'} ${path}`)
        return kit.intercept ? kit.intercept(path, init, server.request) : server.request(path, init)
      }
      return createDevice({
        app: APP,
        url: '',
        fetch,
        clock,
        random: seededRandom(chosen),
        storage: memoryStorage(),
        locks: memoryLocks(),
        retries: 0,
        host,
        ...options,
      })
    },
    async close() {
      for (const host of hosts) await host.dispose()
      await server.close()
    },
  }
  return kit
}
