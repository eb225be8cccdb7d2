import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../../shared/core/clock.ts'
import { cryptoRandom } from '../../../shared/core/random.ts'
import { type Client, createClient } from '../../../shared/contract/client.ts'
import { datasetRoutes } from '../../../server/datasets/dataset-routes.ts'
import type { Sources } from '../../../server/datasets/sources/source-settings.ts'
import { createDatasets, type Datasets, type ExampleForm, type ExampleLimits } from '../../../server/datasets/dataset-service.ts'
import { createEventBus, type EventBus } from '../../../server/events.ts'
import { createApp } from '../../../server/app.ts'
import { createInternalCaller } from '../../../server/access/internal-caller.ts'
import { exampleForm } from '../../../server/registry/example-form.ts'
import { accessRoutes } from '../../../server/access/access-routes.ts'
import { createAccess } from '../../../server/access/access-service.ts'
import { createReleases } from '../../../server/delivery/release-service.ts'
import { deliveryRoutes } from '../../../server/delivery/delivery-routes.ts'
import { openTrust } from '../../../server/delivery/signing-keys.ts'
import { createIdempotency } from '../../../server/http/idempotency.ts'
import { federationRoutes } from '../../../server/federation/federation-routes.ts'
import { createFederation } from '../../../server/federation/federation-service.ts'
import { silentLog } from '../../../server/log.ts'
import { metadataRoutes } from '../../../server/metadata/metadata-routes.ts'
import { trialRoutes } from '../../../server/metadata/trial-routes.ts'
import { createMetadata, type Metadata } from '../../../server/metadata/metadata-service.ts'
import { trackingRoutes } from '../../../server/metadata/tracking-routes.ts'
import { createTracking } from '../../../server/metadata/tracking-service.ts'
import type { NewAlert } from '../../../server/pipeline/executor.ts'
import type { Pipeline } from '../../../server/pipeline/pipeline.ts'
import { componentRoutes } from '../../../server/pipeline/component-routes.ts'
import { pipelineRoutes } from '../../../server/pipeline/pipeline-routes.ts'
import type { TriggerFacts } from '../../../server/pipeline/triggers.ts'
import { createPipelines, type Pipelines } from '../../../server/pipeline/pipeline-service.ts'
import { cardRoutes } from '../../../server/registry/card-routes.ts'
import { registryRoutes } from '../../../server/registry/registry-routes.ts'
import { createRegistry, type Registry } from '../../../server/registry/registry-service.ts'
import { type BlobStore, createFsBlobs } from '../../../server/storage/blob-store.ts'
import { createAlerts } from '../../../server/monitoring/alert-service.ts'
import { rolloutRoutes } from '../../../server/rollouts/rollout-routes.ts'
import { createWorkerPool } from '../../../server/pipeline/worker-pool.ts'
import { STEP_LIMITS } from '../../../server/services.ts'
import { createVersionTests, versionTestRoutes } from '../../../server/registry/version-tests.ts'
import { createRollouts } from '../../../server/rollouts/rollout-service.ts'
import { closeDatabase, type Db, openDatabase } from '../../../server/storage/database.ts'
import type { SyncFile } from '../../../server/storage/wal-sync.ts'
import { ROUTES } from '../../../shared/contract/routes.ts'
import { sharedWorkers } from '../shared-workers.ts'

export type PipelineBench = {
  readonly db: Db
  readonly blobs: BlobStore
  readonly events: EventBus
  readonly datasets: Datasets
  readonly metadata: Metadata
  readonly pipelines: Pipelines
  readonly registry: Registry
  readonly access: ReturnType<typeof createAccess>
  readonly alerts: NewAlert[]
  readonly errors: unknown[]
  readonly folder: string
  /** What the triggers are told of the fleet; tests change it. */
  readonly fleet: { stable: TriggerFacts['stable']; rollout: TriggerFacts['rollout'] }
  /** With the rights of a releaser. */
  readonly api: Client
  /** A request with the same rights. */
  send(request: Request): Promise<Response>
  /** With this key or device token. */
  as(token: string): Client
  close(): Promise<void>
}

export type BenchOptions = {
  readonly pipelines?: readonly Pipeline[]
  readonly folder?: string
  readonly timeoutMs?: number
  /** Steps that may use so much get workers of this bench's own. */
  readonly memoryMb?: number
  readonly parallel?: number
  readonly concurrent?: number
  readonly form?: ExampleForm | null
  readonly environment?: Readonly<Record<string, string>>
  readonly exampleLimits?: Partial<ExampleLimits>
  readonly sources?: (folder: string) => Sources
  /** How the database is made durable. */
  readonly sync?: SyncFile
}

/** Everything a pipeline touches, real: database, blobs, registry, the HTTP surface; only monitoring is absent. */
export async function createBench(options: BenchOptions = {}): Promise<PipelineBench> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'shoal-pipelines-')))
  const [clock, random] = [systemClock, cryptoRandom]
  const closing = new AbortController()
  const db = await openDatabase({ file: join(folder, 'shoal.db'), clock, ...(options.sync === undefined ? {} : { sync: options.sync }) })
  const blobs = await createFsBlobs({ folder: join(folder, 'blobs'), random })
  const trust = await openTrust({ folder: join(folder, 'keys'), clock })
  const errors: unknown[] = []
  const onError = (thrown: unknown) => void errors.push(thrown)
  const events = createEventBus({ clock, onError })
  const access = createAccess({ db, clock, random })
  const releases = createReleases({ db, clock, trust, events })
  const registry = createRegistry({ db, blobs, clock, trust, releases, events })
  const idempotency = createIdempotency({ db, clock })
  const internal = createInternalCaller({ name: 'pipelines', access, random })
  const alerts: NewAlert[] = []
  const rollouts = createRollouts({ db, clock, random, events, alerts: createAlerts({ db, clock, random, events }), registry, releases })
  const datasets = createDatasets({
    db,
    blobs,
    clock,
    events,
    folder: join(folder, 'work'),
    formOf: options.form === undefined ? (model) => exampleForm(registry, model) : async () => options.form,
    limits: options.exampleLimits ?? {},
    sources: options.sources?.(folder) ?? {},
  })
  const metadata = createMetadata({ db, blobs })
  const send = internal.request
  const fleet: PipelineBench['fleet'] = { stable: 1, rollout: null }
  const memoryMb = options.memoryMb ?? STEP_LIMITS.memoryMb
  const own =
    options.memoryMb === undefined
      ? undefined
      : createWorkerPool({ clock, idle: 1, memoryMb, cacheFolder: join(folder, 'work', 'compiled') })
  const pipelines = createPipelines({
    db,
    blobs,
    clock,
    random,
    events,
    request: send,
    folder: join(folder, 'work'),
    limits: { timeoutMs: options.timeoutMs ?? 60_000, memoryMb },
    workers: own ?? sharedWorkers,
    parallel: options.parallel ?? 2,
    concurrent: options.concurrent ?? 2,
    raise: async (alert) => void alerts.push(alert),
    onError,
    data: (pipeline, since) => datasets.arrivals(pipeline.dataset, pipeline.model, since),
    fleet: async () => ({ ...fleet }),
    arrivals: (dataset) => datasets.arrivalTimes(dataset),
    hadRollout: async () => false,
    environment: async () => options.environment ?? { 'runtime.node': process.versions.node },
  })
  for (const pipeline of options.pipelines ?? []) await pipelines.define(pipeline)
  const versionTests = createVersionTests({ db, clock, version: registry.getVersion, rollouts: (model) => rollouts.list({ model }) })
  const app = createApp({
    handlers: [
      accessRoutes(access),
      registryRoutes(registry),
      cardRoutes({
        model: registry.getModel,
        version: registry.getVersion,
        manifest: registry.manifestOf,
        run: (run) => pipelines.run(run),
        tests: versionTests.list,
        read: blobs.read,
      }),
      versionTestRoutes(versionTests),
      deliveryRoutes({ trust, releases, registry, blobs, events, clock, closing: closing.signal }),
      datasetRoutes(datasets),
      pipelineRoutes(pipelines),
      componentRoutes(pipelines),
      metadataRoutes(metadata),
      trackingRoutes(createTracking({ db })),
      trialRoutes({ db, clock }),
      rolloutRoutes(rollouts),
      federationRoutes(createFederation({ db, blobs, clock, random, events, registry, onError })),
    ],
    authenticate: internal.authenticate,
    assertMayUse: access.assertMayUse,
    idempotency,
    clock,
    random,
    log: silentLog,
    rateLimits: {
      public: { perSecond: 1e6, burst: 1e6 },
      device: { perSecond: 1e6, burst: 1e6 },
      failures: { perSecond: 1e6, burst: 1e6 },
    },
    origins: [],
    checkReplies: true,
    absent: Object.values(ROUTES).map((route) => route.tag),
  })
  internal.connect((request) => app.request(request))
  const api = createClient({ url: 'http://test', fetch: (url, init) => send(new Request(url, init)) })
  return {
    db,
    blobs,
    events,
    datasets,
    metadata,
    pipelines,
    registry,
    access,
    alerts,
    errors,
    folder,
    fleet,
    api,
    send,
    as: (token) =>
      createClient({ url: 'http://test', fetch: async (url, init) => app.request(new Request(url, init)), token: () => token }),
    close: async () => {
      closing.abort()
      await pipelines.close()
      await own?.close()
      await closeDatabase(db)
      if (options.folder === undefined) await rm(folder, { recursive: true, force: true })
    },
  }
}
