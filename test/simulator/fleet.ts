import type { Fetch } from '../../shared/contract/client.ts'
import type { Clock } from '../../shared/core/clock.ts'
import { type Random, seededRandom } from '../../shared/core/random.ts'
import type { Envelope } from '../../shared/trust/dsse.ts'
import { createInferenceService } from '../../shared/worker/inference-service.ts'
import type { Consent, Shoal } from '../../client/sdk/api.ts'
import { createDevice, type DeviceOptions } from '../../client/sdk/device.ts'
import { localHost } from '../../client/sdk/local-host.ts'
import { type Locks, memoryLocks } from '../../client/sdk/locks.ts'
import type { RuntimeHost } from '../../client/sdk/runtime-host.ts'
import type { Trainer } from '../../client/sdk/training/trainer.ts'
import type { DeviceStorage } from '../../client/sdk/storage/device-storage.ts'
import { memoryStorage } from '../../client/sdk/storage/memory-storage.ts'
import { wasmPath } from '../shared/compute/node-backend.ts'

/** One simulated device: the SDK's own core, on memory storage. It can lose its network and be restarted. */
export type SimulatedDevice = {
  readonly number: number
  readonly random: Random
  readonly storage: DeviceStorage
  /** Whether requests reach the server. */
  connected: boolean
  readonly shoal: Shoal
  /** The page is killed: nothing is said goodbye to. The next one starts on the same storage. */
  restart(): Promise<Shoal>
}

export type FleetOptions = {
  readonly fetch: Fetch
  readonly url?: string
  readonly app: string
  readonly count: number
  readonly seed: number
  readonly clock: Clock
  readonly consent?: Partial<Consent>
  readonly root?: Envelope
  /** Where models run; without it the WASM backend of this process, one runtime for each version whatever the number of devices. */
  readonly host?: RuntimeHost
  /** Where devices train; without it they take part in no round. */
  readonly trainer?: Trainer
  /** Bytes that each device can store. */
  readonly quota?: number
  readonly retries?: number
}

export type Fleet = {
  readonly devices: readonly SimulatedDevice[]
  readonly host: RuntimeHost
  /** Runs `work` on every device, `atOnce` at a time. */
  each<T>(work: (device: SimulatedDevice) => Promise<T>, atOnce?: number): Promise<T[]>
  dispose(): Promise<void>
}

/** A host on the WASM backend of this process. */
export const nodeHost = (): RuntimeHost => localHost(createInferenceService({ wasmPath }))

/** The fleet ends its own host; a device must not. */
const borrowed = (host: RuntimeHost): RuntimeHost => ({ load: host.load, dispose: () => Promise.resolve() })

/**
 * A fleet of devices in this process: the same code that runs in a browser, without a browser.
 *
 * @example
 * const fleet = await createFleet({ fetch: server.request, app: 'digits', count: 100, seed: 1, clock })
 * await fleet.each(async (device) => (await device.shoal.load('digits')).predict(pixels))
 */
export async function createFleet(options: FleetOptions): Promise<Fleet> {
  const { app, url = '', count, seed, clock, retries = 0 } = options
  const host = options.host ?? nodeHost()
  const seeds = seededRandom(seed)

  async function makeDevice(number: number): Promise<SimulatedDevice> {
    const random = seededRandom(seeds.integer(2 ** 31))
    const storage = memoryStorage(options.quota === undefined ? {} : { quota: options.quota })
    const connect = (locks: Locks) => {
      const deviceOptions: DeviceOptions = {
        app,
        url,
        storage,
        clock,
        random,
        locks,
        retries,
        host: borrowed(host),
        fetch: (input, init) => (device.connected ? options.fetch(input, init) : Promise.reject(new TypeError('Failed to fetch'))),
        ...(options.consent ? { consent: options.consent } : {}),
        ...(options.trainer ? { trainer: options.trainer } : {}),
        ...(options.root ? { root: options.root } : {}),
      }
      return createDevice(deviceOptions)
    }
    let shoal: Shoal
    const device: SimulatedDevice = {
      number,
      random,
      storage,
      connected: true,
      get shoal() {
        return shoal
      },
      async restart() {
        shoal = await connect(memoryLocks())
        return shoal
      },
    }
    shoal = await connect(memoryLocks())
    return device
  }

  const devices: SimulatedDevice[] = []
  for (let i = 0; i < count; i++) devices.push(await makeDevice(i))

  return {
    devices,
    host,
    async each(work, atOnce = 8) {
      const results: Awaited<ReturnType<typeof work>>[] = []
      let next = 0
      const lane = async () => {
        for (let i = next++; i < devices.length; i = next++) results[i] = await work(devices[i] as SimulatedDevice)
      }
      await Promise.all(Array.from({ length: Math.min(atOnce, devices.length) }, lane))
      return results
    },
    async dispose() {
      for (const device of devices) await device.shoal.dispose()
      await host.dispose()
    },
  }
}
