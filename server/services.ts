import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../shared/core/clock.ts'
import type { Slug } from '../shared/core/ids.ts'
import type { Random } from '../shared/core/random.ts'
import { accessRoutes } from './access/access-routes.ts'
import { type Access, createAccess } from './access/access-service.ts'
import { createInternalCaller } from './access/internal-caller.ts'
import { datasetRoutes } from './datasets/dataset-routes.ts'
import { createDatasets, type Datasets } from './datasets/dataset-service.ts'
import type { Sources } from './datasets/sources/source-settings.ts'
import { spanStatistics } from './datasets/span-statistics.ts'
import { watchValueSkew } from './datasets/value-skew.ts'
import { deliveryRoutes } from './delivery/delivery-routes.ts'
import { createReleases, type Releases } from './delivery/release-service.ts'
import { openTrust, type Trust } from './delivery/signing-keys.ts'
import { createEventBus, type EventBus } from './events.ts'
import { federationRoutes } from './federation/federation-routes.ts'
import { createFederation, type Federation } from './federation/federation-service.ts'
import { createIdempotency, type Idempotency } from './http/idempotency.ts'
import type { Handlers } from './http/register.ts'
import { serverRoutes } from './http/server-routes.ts'
import type { Log } from './log.ts'
import { importRoutes } from './imports/import-routes.ts'
import { createImports } from './imports/import-service.ts'
import { metadataRoutes } from './metadata/metadata-routes.ts'
import { trialRoutes } from './metadata/trial-routes.ts'
import { createMetadata, type Metadata } from './metadata/metadata-service.ts'
import { trackingRoutes } from './metadata/tracking-routes.ts'
import { createTracking, type Tracking } from './metadata/tracking-service.ts'
import { createAlerts } from './monitoring/alert-service.ts'
import { monitoringRoutes } from './monitoring/monitoring-routes.ts'
import { createMonitoring, type Monitoring } from './monitoring/monitoring-service.ts'
import type { MonitoringSettings } from './monitoring/settings.ts'
import { type Environment, readEnvironment } from './pipeline/environment.ts'
import { componentRoutes } from './pipeline/component-routes.ts'
import { pipelineRoutes } from './pipeline/pipeline-routes.ts'
import { createPipelines, type Pipelines } from './pipeline/pipeline-service.ts'
import { exampleForm } from './registry/example-form.ts'
import { cardRoutes } from './registry/card-routes.ts'
import { registryRoutes } from './registry/registry-routes.ts'
import { createRegistry, type Registry } from './registry/registry-service.ts'
import { repeat } from './repeat.ts'
import { createVersionTests, versionTestRoutes } from './registry/version-tests.ts'
import { rolloutRoutes } from './rollouts/rollout-routes.ts'
import { createRollouts, type Rollouts, type RolloutSettings } from './rollouts/rollout-service.ts'
import { keptChoices } from './serving/kept-choices.ts'
import { servingRoutes } from './serving/serving-routes.ts'
import { createServing, type Serving, type ServingSettings } from './serving/serving-service.ts'
import { createWorkerPool, type WorkerPool } from './pipeline/worker-pool.ts'
import { type BlobStore, createFsBlobs } from './storage/blob-store.ts'
import { closeDatabase, type Db, openDatabase } from './storage/database.ts'

export type ServicesOptions = {
  /** Everything that must outlive the process lies in here: shoal.db, blobs/, keys/. */
  readonly dataFolder: string
  /** Keeps the database in memory instead (tests). */
  readonly inMemory?: boolean
  readonly version: string
  /** The checkout that pipelines come from: its commit and its lock file stand in the record of each run. Default: where the process was started. */
  readonly codeFolder?: string
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly monitoring?: Partial<MonitoringSettings>
  readonly rollouts?: Partial<RolloutSettings>
  readonly sources?: Sources
  readonly serving?: Partial<ServingSettings>
  /** Where steps run, to be shared with others and ended by whoever made them. Default: workers of these services alone. */
  readonly workers?: WorkerPool
}

/** Everything that the server is made of, joined. */
export type Services = {
  readonly db: Db
  readonly blobs: BlobStore
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly events: EventBus
  readonly trust: Trust
  readonly access: Access
  readonly releases: Releases
  readonly registry: Registry
  readonly datasets: Datasets
  readonly metadata: Metadata
  readonly tracking: Tracking
  readonly pipelines: Pipelines
  readonly monitoring: Monitoring
  readonly rollouts: Rollouts
  readonly federation: Federation
  readonly serving: Serving
  readonly idempotency: Idempotency
  readonly handlers: readonly Handlers[]
  /** Who a token belongs to: keys and devices, and our own pipelines, whose token lives in memory. */
  readonly authenticate: Access['authenticate']
  /** Tells the parts that call the API where it is. */
  connect(fetch: (request: Request) => Response | Promise<Response>): void
  /** Begins what goes on without being asked: unfinished runs, triggers, what falls due by time. */
  begin(): Promise<void>
  /** Aborts when the server begins to stop. */
  readonly closing: AbortSignal
  /** Ends streams and lets background work come to its end; what is in flight can still finish. */
  beginClose(): void
  /** Waits for background work, then checkpoints and closes the database. */
  close(): Promise<void>
}

/** The alias that the fleet follows unless told otherwise, and whose drift starts retraining. */
const STABLE = 'stable' as Slug
/** How often signed documents are looked at for being about to expire. */
const RENEW_EVERY_MS = 10 * 60 * 1000
/** How often batches, rollouts and rounds are looked at for being due. */
const DUE_EVERY_MS = 5000
/** A pipeline step that takes longer, or more memory, has gone astray. */
export const STEP_LIMITS = { timeoutMs: 60 * 60 * 1000, memoryMb: 4096 }
/** Steps of one run at the same time, and workers that wait for them. */
export const PARALLEL_STEPS = 2

export async function createServices(options: ServicesOptions): Promise<Services> {
  const { dataFolder, inMemory = false, version, clock, random, log, codeFolder = process.cwd() } = options
  // the owner's alone: it holds keys to sign with
  await mkdir(dataFolder, { recursive: true, mode: 0o700 })
  const work = join(dataFolder, 'work')
  const closing = new AbortController()
  const onError = (thrown: unknown): void =>
    log.error('background work failed', { error: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown) })

  const db = await openDatabase({ file: inMemory ? ':memory:' : join(dataFolder, 'shoal.db'), clock })
  const blobs = await createFsBlobs({ folder: join(dataFolder, 'blobs'), random })
  const trust = await openTrust({ folder: join(dataFolder, 'keys'), clock })
  const events = createEventBus({ clock, onError })
  const access = createAccess({ db, clock, random })
  const caller = createInternalCaller({ name: 'pipelines', access, random })
  const releases = createReleases({ db, clock, trust, events })
  const registry = createRegistry({ db, blobs, clock, trust, releases, events })
  const alerts = createAlerts({ db, clock, random, events })
  const rollouts = createRollouts({ db, clock, random, events, alerts, registry, releases, settings: options.rollouts ?? {} })
  const monitoring = createMonitoring({
    db,
    clock,
    events,
    alerts,
    models: registry,
    consumers: [rollouts.consumer],
    settings: options.monitoring ?? {},
    onError,
  })
  const datasets = createDatasets({
    db,
    blobs,
    clock,
    events,
    folder: work,
    formOf: (model) => exampleForm(registry, model),
    sources: options.sources ?? {},
  })
  const valueSkew = watchValueSkew({
    events,
    dataset: datasets.get,
    statistics: spanStatistics({ blobs, folder: work }),
    raise: alerts.raise,
    onError,
  })
  const metadata = createMetadata({ db, blobs })
  const tracking = createTracking({ db })
  const federation = createFederation({ db, blobs, clock, random, events, registry, onError })
  const imports = createImports({ registry, blobs, clock })
  const serving = createServing({
    registry,
    blobs,
    choices: keptChoices(join(dataFolder, 'serving')),
    clock,
    random,
    settings: options.serving ?? {},
    onError,
  })
  const workers =
    options.workers ??
    createWorkerPool({ clock, idle: PARALLEL_STEPS, memoryMb: STEP_LIMITS.memoryMb, cacheFolder: join(work, 'compiled') })
  let environment: Promise<Environment> | undefined
  const pipelines = createPipelines({
    db,
    blobs,
    clock,
    random,
    events,
    request: caller.request,
    folder: work,
    limits: STEP_LIMITS,
    workers,
    parallel: PARALLEL_STEPS,
    concurrent: 2,
    raise: alerts.raise,
    onError,
    data: (pipeline, since) => datasets.arrivals(pipeline.dataset, pipeline.model, since),
    arrivals: (dataset) => datasets.arrivalTimes(dataset),
    environment: () => (environment ??= readEnvironment(codeFolder)),
    hadRollout: async ({ model }) => (await rollouts.list({ model: model as Slug })).length > 0,
    fleet: async ({ model }) => {
      const name = model as Slug
      const stable = await registry.aliasTarget(name, STABLE).catch(() => undefined)
      const rollout = (await rollouts.list({ model: name })).find(({ ended }) => ended === null)
      return {
        stable: stable ?? null,
        rollout: rollout === undefined ? null : `rollout ${rollout.id} of version ${rollout.candidate} is under way`,
      }
    },
  })
  const versionTests = createVersionTests({ db, clock, version: registry.getVersion, rollouts: (model) => rollouts.list({ model }) })
  const idempotency = createIdempotency({ db, clock })

  const every = (name: string, everyMs: number, turn: () => Promise<void>): Promise<void> =>
    repeat({ clock, everyMs, signal: closing.signal, log, name }, turn)
  const background = [
    every('renewing signed documents', RENEW_EVERY_MS, async () => {
      await trust.renewRoot()
      await releases.reissueExpiring()
    }),
  ]

  return {
    db,
    blobs,
    clock,
    random,
    log,
    events,
    trust,
    access,
    releases,
    registry,
    datasets,
    metadata,
    tracking,
    pipelines,
    monitoring,
    rollouts,
    federation,
    serving,
    idempotency,
    handlers: [
      serverRoutes({ version, db, blobs, access, events, clock, closing: closing.signal }),
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
      trackingRoutes(tracking),
      trialRoutes({ db, clock }),
      monitoringRoutes(monitoring, access),
      rolloutRoutes(rollouts),
      federationRoutes(federation),
      servingRoutes(serving),
      importRoutes(imports),
    ],
    authenticate: caller.authenticate,
    connect: caller.connect,
    begin: async () => {
      await pipelines.begin()
      for (const [name, service] of Object.entries({ monitoring, rollouts, federation }))
        background.push(every(name, DUE_EVERY_MS, () => service.tick()))
    },
    closing: closing.signal,
    beginClose: () => closing.abort(),
    close: async () => {
      closing.abort()
      await valueSkew.close()
      await pipelines.close()
      if (options.workers === undefined) await workers.close()
      serving.close()
      imports.close()
      await Promise.all(background)
      monitoring.close()
      await closeDatabase(db)
    },
  }
}
