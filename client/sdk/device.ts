import { createClient, type Fetch } from '../../shared/contract/client.ts'
import { toHex } from '../../shared/core/bytes.ts'
import { type Clock, systemClock } from '../../shared/core/clock.ts'
import { AppError, toAppError } from '../../shared/core/errors.ts'
import { cryptoRandom, type Random } from '../../shared/core/random.ts'
import type { SharedExample } from '../../shared/contract/datasets.ts'
import type { Report } from '../../shared/stats/report.ts'
import type { Envelope } from '../../shared/trust/dsse.ts'
import type { Availability, Consent, Outgoing, Shoal } from './api.ts'
import { loadConsent } from './consent.ts'
import type { DeviceContext } from './device-context.ts'
import { loadIdentity } from './identity.ts'
import { type Locks, memoryLocks } from './locks.ts'
import { type LoadedModel, loadModel } from './model.ts'
import { createOutbox } from './outbox.ts'
import type { RuntimeHost } from './runtime-host.ts'
import type { DeviceStorage } from './storage/device-storage.ts'
import { keyOf } from './storage/model-state.ts'
import type { Trainer } from './training/trainer.ts'
import { createTraining } from './training/training.ts'

export type DeviceOptions = {
  readonly app: string
  /** Where the control plane is, without a trailing slash. */
  readonly url: string
  readonly fetch: Fetch
  readonly storage: DeviceStorage
  readonly host: RuntimeHost
  /** Where this device trains; without it, it takes part in no round. */
  readonly trainer?: Trainer
  readonly clock?: Clock
  readonly random?: Random
  readonly locks?: Locks
  /** The signed root document to trust, shipped with the app. Without it the first one that the server shows is trusted. */
  readonly root?: Envelope
  /** What holds until the person chooses: counts yes, examples and training no, where left out. */
  readonly consent?: Partial<Consent>
  readonly globalPrivacyControl?: boolean
  readonly visible?: () => boolean
  readonly retries?: number
  /** Looks for updates and hands in reports this often, milliseconds; 0 leaves it to the caller. */
  readonly pollMs?: number
}

const NOTED = 20

/**
 * A device: the SDK's core, with everything around it passed in. `connect` is this in a browser; a simulation makes hundreds of them in one process.
 *
 * @example
 * const device = await createDevice({ app: 'digits', url: '', fetch: app.request, storage: memoryStorage(), host: localHost(service), clock })
 * const model = await device.load('digits')
 */
export async function createDevice(options: DeviceOptions): Promise<Shoal> {
  const { app, url, storage, host, clock = systemClock, random = cryptoRandom, locks = memoryLocks(), pollMs = 0 } = options
  const identity = await loadIdentity({ storage, random, clock, app })
  const client = createClient({ url, fetch: options.fetch, token: () => identity.token() })
  const outbox = createOutbox({ storage, client, identity, locks })
  const models = new Map<string, LoadedModel>()
  const loading = new Map<string, Promise<LoadedModel>>()
  const noted: { at: number; code: string; detail: string }[] = []
  const session = toHex(random.bytes(8))
  const life = new AbortController()

  const consent = await loadConsent({
    storage,
    defaults: options.consent ?? {},
    globalPrivacyControl: options.globalPrivacyControl ?? false,
    async onRefused({ statistics, sharing, training: learning }) {
      if (statistics) await outbox.discard('report')
      if (statistics) for (const model of models.values()) await model.reporter.discard()
      if (sharing) await outbox.discard('example')
      if (learning) await training.refuse()
    },
  })
  const training = createTraining({ storage, locks, clock }, options.trainer, () => context)

  const context: DeviceContext = {
    app,
    url,
    fetch: options.fetch,
    client,
    storage,
    host,
    clock,
    random,
    locks,
    identity,
    outbox,
    consent,
    training,
    root: options.root,
    session,
    visible: options.visible ?? (() => true),
    retries: options.retries ?? 3,
    note: (error) => {
      noted.push({ at: clock.now(), code: error.code, detail: error.detail })
      if (noted.length > NOTED) noted.shift()
    },
  }
  const note = (thrown: unknown) => context.note(toAppError(thrown))

  // held for as long as this session lives: others adopt its counts once it no longer is
  void locks
    .hold(`shoal:session:${session}`, () => new Promise<void>((resolve) => life.signal.addEventListener('abort', () => resolve())))
    .catch(note)

  async function flush(): Promise<void> {
    for (const model of models.values()) await model.flush().catch(note)
    if (models.size === 0) await outbox.send()
  }

  async function refresh(): Promise<void> {
    for (const model of models.values()) await model.checkForUpdate({ signal: life.signal }).catch(note)
    for (const model of models.values()) if (model.reporter.due) await model.flush().catch(note)
    await outbox.send()
  }

  async function poll(): Promise<void> {
    for (;;) {
      // a tenth more or less, so that a fleet that woke together does not ask together
      await clock.sleep(pollMs * (0.9 + random.uniform() / 5), life.signal)
      await refresh()
    }
  }
  if (pollMs > 0) void poll().catch(() => undefined)

  async function dispose(): Promise<void> {
    if (life.signal.aborted) return
    training.stop()
    for (const model of models.values()) await model.dispose()
    life.abort()
    await host.dispose()
    storage.close()
  }

  return {
    get device() {
      return identity.device
    },
    consent,
    async load(name, loadOptions = {}) {
      const key = keyOf(name, loadOptions.alias ?? 'stable')
      if (life.signal.aborted) throw new AppError('conflict', 'this device has been disposed of')
      const known = models.get(key) ?? loading.get(key)
      if (known) return known
      const coming = loadModel(context, name, loadOptions).then((model) => {
        const dispose = model.dispose
        model.dispose = async () => {
          models.delete(key)
          await dispose()
        }
        models.set(key, model)
        return model
      })
      loading.set(key, coming)
      try {
        return await coming
      } finally {
        loading.delete(key)
      }
    },
    async availability(name, { alias = 'stable' } = {}): Promise<Availability> {
      const key = keyOf(name, alias)
      const state = await storage.model(key)
      if (models.get(key)?.version || (state?.active && (await storage.version(state.active)))) return 'available'
      if (loading.has(key)) return 'downloading'
      const answer = await client('release.get', { params: { model: name as never, alias: alias as never } }).catch(() => undefined)
      return answer === undefined ? 'unavailable' : 'downloadable'
    },
    flush,
    refresh,
    async whatIsSent(): Promise<Outgoing> {
      const waiting = await storage.outbox(1000)
      const reports: Report[] = waiting.flatMap((item) => (item.kind === 'report' ? [item.body] : []))
      const examples: SharedExample[] = waiting.flatMap((item) => (item.kind === 'example' ? [item.body] : []))
      if (consent.statistics) for (const model of models.values()) reports.push(...(await model.reporter.preview()))
      return { reports, examples }
    },
    async diagnostics() {
      const states = await storage.models()
      return {
        session: {
          models: [...models.values()].map((model) => ({
            name: model.name,
            alias: model.alias,
            version: model.version,
            backend: model.backend,
            stale: model.stale,
            why: model.explainBackend()?.why ?? null,
          })),
        },
        stored: states.map(({ key, sequence, active, previous, quarantine, crash }) => ({
          key,
          sequence,
          active,
          previous,
          quarantine,
          crash,
        })),
        storage: {
          kind: storage.kind,
          estimate: (await storage.estimate()) ?? null,
          versions: (await storage.versions()).map(({ key, version, bytes }) => ({ key, version, bytes })),
        },
        outbox: await storage.outboxSize(),
        consent: { statistics: consent.statistics, sharing: consent.sharing, training: consent.training },
        errors: [...noted],
      }
    },
    async forget() {
      training.stop()
      for (const model of models.values()) await model.dispose()
      await storage.clear()
    },
    dispose,
    [Symbol.asyncDispose]: dispose,
  }
}
