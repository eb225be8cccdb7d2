import { tmpdir } from 'node:os'
import type { Fetch } from '../../../shared/contract/client.ts'
import { type ManualClock, manualClock } from '../../../shared/core/clock.ts'
import { slug } from '../../../shared/core/fields.ts'
import { seededRandom } from '../../../shared/core/random.ts'
import type { Shoal } from '../../../client/sdk/api.ts'
import { createDevice, type DeviceOptions } from '../../../client/sdk/device.ts'
import { memoryLocks } from '../../../client/sdk/locks.ts'
import { memoryStorage } from '../../../client/sdk/storage/memory-storage.ts'
import { createTestServer, type TestServer } from '../../server/harness.ts'
import { createDatasets } from '../../../server/datasets/dataset-service.ts'
import { datasetRoutes } from '../../../server/datasets/dataset-routes.ts'
import type { Handlers } from '../../../server/http/register.ts'
import { createAlerts } from '../../../server/monitoring/alert-service.ts'
import { monitoringRoutes } from '../../../server/monitoring/monitoring-routes.ts'
import { createMonitoring } from '../../../server/monitoring/monitoring-service.ts'
import { rolloutRoutes } from '../../../server/rollouts/rollout-routes.ts'
import { createRollouts } from '../../../server/rollouts/rollout-service.ts'
import type { Services } from '../../../server/services.ts'
import { type DigitModel, digitModel, type DigitModelOptions, LABELS } from '../../simulator/digit-model.ts'
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

/** Nouns that services.ts does not join yet: the same services, joined here. */
function unwired({ db, blobs, clock, random, events, registry, releases, handlers }: Services): Handlers[] {
  const lacks = (route: keyof Handlers) => !handlers.some((known) => route in known)
  const alerts = createAlerts({ db, clock, random, events })
  const more: Handlers[] = []
  const rollouts = createRollouts({ db, clock, random, events, alerts, registry, releases })
  const fail = (thrown: unknown) => {
    throw thrown
  }
  if (lacks('rollouts.start')) more.push(rolloutRoutes(rollouts))
  if (lacks('reports.send'))
    more.push(
      monitoringRoutes(createMonitoring({ db, clock, events, alerts, models: registry, consumers: [rollouts.consumer], onError: fail })),
    )
  if (lacks('examples.share'))
    more.push(
      datasetRoutes(
        createDatasets({ db, blobs, clock, events, folder: tmpdir(), formOf: async () => ({ shape: [28, 28, 1], labels: LABELS }) }),
      ),
    )
  return more
}

/** The real server in this process, and devices that talk to it. */
export async function createKit(): Promise<Kit> {
  const clock = manualClock()
  const server = await createTestServer({ clock, handlers: unwired })
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
