import { type Clock, systemClock } from '../../shared/core/clock.ts'
import { AppError } from '../../shared/core/errors.ts'
import { cryptoRandom } from '../../shared/core/random.ts'
import type { Fetch } from '../../shared/contract/client.ts'
import type { Envelope } from '../../shared/trust/dsse.ts'
import type { WorkerLike } from '../../shared/worker/connect-worker.ts'
import type { Consent, Shoal } from './api.ts'
import { createDevice } from './device.ts'
import { memoryLocks, webLocks } from './locks.ts'
import { listenToBell } from './bell.ts'
import type { DeviceStorage } from './storage/device-storage.ts'
import { idbStorage } from './storage/idb-storage.ts'
import { memoryStorage } from './storage/memory-storage.ts'
import { workerTrainer } from './training/worker-trainer.ts'
import { workerHost } from './worker-host.ts'

export type ConnectOptions = {
  /** Where the control plane is: `location.origin`, or another origin that allows this one. */
  readonly url: string
  /** The app's name there. */
  readonly app: string
  /** The signed root document that this app trusts. Without it the first one that the server shows is trusted, and changes to it must be signed by it. */
  readonly root?: Envelope
  /** What holds until the person has chosen: counts yes, examples and training no, where left out. Under Global Privacy Control all are no. */
  readonly consent?: Partial<Consent>
  /** How often to look for updates, milliseconds; 10 minutes by default, 0 never. */
  readonly pollMs?: number
  /** Lets models run on a software WebGPU adapter: for tests of function, since it is slower than WASM. */
  readonly allowSoftware?: boolean
  /** Keeps this device's data apart from that of other apps of the origin. */
  readonly database?: string
  /** For bundlers that do not follow `new Worker(new URL(...))`: a worker that runs workers/inference/main.ts. */
  readonly spawnWorker?: () => Worker
  /** Likewise, but the worker's name is `training`. */
  readonly spawnTrainingWorker?: () => Worker
}

const POLL_MS = 10 * 60 * 1000
/** What browsers let a page still send while it is being left. */
const KEEPALIVE_BYTES = 60_000

const spawnInference = (): Worker => new Worker(new URL('../../workers/inference/main.ts', import.meta.url), { type: 'module' })

// the same script: the bundler makes one file of both
const spawnTraining = (): Worker =>
  new Worker(new URL('../../workers/inference/main.ts', import.meta.url), { type: 'module', name: 'training' })

/** IndexedDB, or memory where the browser refuses it (private windows of some, storage that is broken): the app works, and forgets. */
async function openStorage(name: string): Promise<DeviceStorage> {
  if (typeof indexedDB === 'undefined') return memoryStorage()
  const storage = idbStorage({ name })
  try {
    await storage.setting('identity')
    return storage
  } catch {
    return memoryStorage()
  }
}

const hidden = (): boolean => document.visibilityState === 'hidden'

/** What is sent while the page goes away must outlive it. */
const pageFetch: Fetch = (input, init) => {
  const small = typeof init.body === 'string' && init.body.length < KEEPALIVE_BYTES
  return fetch(input, hidden() && small ? { ...init, keepalive: true } : init)
}

/**
 * Connects a page to its control plane.
 *
 * @throws AppError `unavailable` on a page that is not a secure context (https or localhost): without WebCrypto nothing could be verified.
 * @example
 * const shoal = await connect({ url: location.origin, app: 'digits' })
 * const model = await shoal.load('digits')
 * const { label, confidence } = await model.predict(pixels)
 */
export async function connect(options: ConnectOptions): Promise<Shoal> {
  if (globalThis.crypto?.subtle === undefined)
    throw new AppError(
      'unavailable',
      'this page is not a secure context, so models could not be verified: serve it over https or from localhost',
    )
  const { app, pollMs = POLL_MS, database = `shoal-${app}`, spawnWorker = spawnInference, spawnTrainingWorker = spawnTraining } = options
  const url = options.url.replace(/\/$/, '')
  const clock: Clock = systemClock
  const device = await createDevice({
    app,
    url,
    clock,
    pollMs,
    fetch: pageFetch,
    storage: await openStorage(database),
    host: workerHost({ spawn: () => spawnWorker() as WorkerLike, clock, allowSoftware: options.allowSoftware ?? false }),
    trainer: workerTrainer({ spawn: () => spawnTrainingWorker() as WorkerLike, clock }),
    locks: navigator.locks === undefined ? memoryLocks() : webLocks(navigator.locks),
    visible: () => !hidden(),
    globalPrivacyControl: (navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl === true,
    ...(options.root ? { root: options.root } : {}),
    ...(options.consent ? { consent: options.consent } : {}),
  })

  const life = new AbortController()
  const { signal } = life
  const quietly = (work: Promise<unknown>) => void work.catch(() => undefined)
  document.addEventListener('visibilitychange', () => quietly(hidden() ? device.flush() : device.refresh()), { signal })
  globalThis.addEventListener('online', () => quietly(device.refresh()), { signal })
  if (pollMs > 0) listenToBell({ url, clock, random: cryptoRandom, signal, hidden, ring: () => quietly(device.refresh()) })

  const { dispose } = device
  device.dispose = device[Symbol.asyncDispose] = async () => {
    life.abort()
    await dispose()
  }
  return device
}
