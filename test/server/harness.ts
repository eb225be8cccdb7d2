import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Hono } from 'hono'
import { type Clock, type ManualClock, manualClock } from '../../shared/core/clock.ts'
import type { DeviceId, Slug } from '../../shared/core/ids.ts'
import { cryptoRandom, type Random } from '../../shared/core/random.ts'
import { type Client, createClient } from '../../shared/contract/client.ts'
import { KEY_SCOPES, type KeyScope } from '../../shared/contract/route.ts'
import { createApp } from '../../server/app.ts'
import type { Handlers, RateLimits } from '../../server/http/register.ts'
import { type Log, silentLog } from '../../server/log.ts'
import { createServices, type Services, type ServicesOptions } from '../../server/services.ts'
import { sharedWorkers } from './shared-workers.ts'

const UNLIMITED: RateLimits = {
  public: { perSecond: 1e6, burst: 1e6 },
  device: { perSecond: 1e6, burst: 1e6 },
  failures: { perSecond: 1e6, burst: 1e6 },
}

export type TestServerOptions = {
  readonly clock?: Clock
  readonly random?: Random
  /** Keeps what the server stores there; without it a temporary folder and a database in memory, gone after close(). */
  readonly dataFolder?: string
  readonly rateLimits?: Partial<RateLimits>
  readonly origins?: readonly string[]
  readonly log?: Log
  /** Handlers that stand in for those of the services. */
  readonly handlers?: (services: Services) => readonly Handlers[]
  readonly monitoring?: NonNullable<ServicesOptions['monitoring']>
  readonly rollouts?: NonNullable<ServicesOptions['rollouts']>
  /** Runs unfinished pipelines, triggers and what falls due by time, as main.ts does. */
  readonly background?: boolean
  /** Compares each answer with the contract, unless false (benches). */
  readonly checkReplies?: boolean
  readonly pages?: readonly ((app: Hono) => void)[]
}

export type TestDevice = { readonly id: DeviceId; readonly token: string; readonly client: Client }

export type TestServer = {
  readonly app: Hono
  readonly services: Services
  readonly dataFolder: string
  /** A key of each scope. */
  readonly keys: Readonly<Record<KeyScope, string>>
  /** The typed client over app.request; without a token, anonymous. */
  client(token?: string): Client
  /** A device of this app, which is made (with these models) when it does not exist. */
  device(app: string, models?: readonly string[]): Promise<TestDevice>
  request(path: string, init?: RequestInit): Promise<Response>
  close(): Promise<void>
}

/** The whole server without a socket. Time is a manual clock unless one is given; each answer is compared with the contract. */
export async function createTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const { clock = manualClock(), random = cryptoRandom, log = silentLog } = options
  const dataFolder = options.dataFolder ?? (await mkdtemp(join(tmpdir(), 'shoal-test-')))
  const { monitoring = {}, rollouts = {} } = options
  const services = await createServices({
    dataFolder,
    inMemory: options.dataFolder === undefined,
    version: '0.0.0-test',
    clock,
    random,
    log,
    monitoring,
    rollouts,
    workers: sharedWorkers,
  })
  const instead = options.handlers?.(services) ?? []
  const app = createApp({
    handlers: [...services.handlers.map((own) => withoutNames(own, instead)), ...instead],
    authenticate: services.authenticate,
    assertMayUse: services.access.assertMayUse,
    idempotency: services.idempotency,
    clock,
    random,
    log,
    rateLimits: { ...UNLIMITED, ...options.rateLimits },
    origins: options.origins ?? [],
    checkReplies: options.checkReplies ?? true,
    pages: options.pages ?? [],
  })
  services.connect((request) => app.fetch(request))
  if (options.background === true) await services.begin()
  const keys = {} as Record<KeyScope, string>
  for (const scope of KEY_SCOPES) keys[scope] = (await services.access.createKey({ name: `test ${scope}`, scope })).secret

  const request = async (path: string, init?: RequestInit): Promise<Response> => app.request(path, init)
  const client = (token?: string): Client => createClient({ url: '', fetch: request, token: () => token })
  return {
    app,
    services,
    dataFolder,
    keys,
    request,
    client,
    device: async (name, models = []) => {
      const slug = name as Slug
      if (!(await services.access.listApps()).some((known) => known.app === slug))
        await services.access.createApp({ app: slug, models: models as readonly Slug[] })
      const { device, token } = await services.access.registerDevice(slug)
      return { id: device, token, client: client(token) }
    },
    close: async () => {
      await services.close()
      if (options.dataFolder === undefined) await rm(dataFolder, { recursive: true, force: true })
    },
  }
}

const withoutNames = (handlers: Handlers, others: readonly Handlers[]): Handlers =>
  Object.fromEntries(Object.entries(handlers).filter(([name]) => !others.some((other) => name in other))) as Handlers

export { type ManualClock, manualClock }
