import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Client, createClient } from '../../shared/contract/client.ts'
import type { ArtifactSummary } from '../../shared/contract/pipelines.ts'
import { must } from '../../shared/core/assert.ts'
import type { Clock } from '../../shared/core/clock.ts'
import type { Sha256 } from '../../shared/core/digest.ts'
import { AppError, toAppError } from '../../shared/core/errors.ts'
import type { RunId, Slug, StepId } from '../../shared/core/ids.ts'
import type { JsonObject } from '../../shared/core/json.ts'
import type { Random } from '../../shared/core/random.ts'
import type { EventBus } from '../events.ts'
import { type ExecutionRow, type MetadataStore, metadataStore } from '../metadata/metadata-store.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import { durable, writeBatch } from '../storage/statements.ts'
import type { Db } from '../storage/database.ts'
import type { ArtifactType } from './artifact-types.ts'
import { componentDigest } from './component-digest.ts'
import { artifactTypeOf, type InputType, type StepLimits } from './component.ts'
import { BRIDGE_URL } from './fetch-bridge.ts'
import { type MetricLog, openMetricLog } from './metric-log.ts'
import { type Pipeline, stepParams } from './pipeline.ts'
import { isDone, type StepState } from './planner.ts'
import type { RunLog } from './run-log.ts'
import { type CachedExecution, changeStep, type RunRow, runStore } from './run-store.ts'
import { cacheKey, type EarlierExecution, keyedParams, reusable, type StepIdentity, whyNotReused } from './step-cache.ts'
import { type EndedStep, type Ending, type Output, recordEnd, type Resolved } from './step-end.ts'
import { runStepProcess, type StepOutcome } from './step-process.ts'
import type { StepTask } from './step-protocol.ts'
import type { WorkerPool } from './worker-pool.ts'
import { keptFolder } from './work-folder.ts'

export type StepRunnerOptions = {
  readonly db: Db
  readonly blobs: BlobStore
  readonly clock: Clock
  readonly random: Random
  readonly events: EventBus
  /** Answers a request to the API in the name of the pipelines. */
  readonly request: (request: Request) => Promise<Response>
  /** Where steps get their working folders. */
  readonly folder: string
  readonly limits: StepLimits
  /** Where steps run; whoever made them ends them. */
  readonly workers: WorkerPool
}

export type StepEvents = {
  /** Cancels the step. */
  readonly signal: AbortSignal
  /** True when the server stops: the step's end is then not recorded. */
  readonly halted: () => boolean
  /** Told when a worker has the step, which was not in the cache. */
  readonly onBegun: () => void
}

type Inputs = StepTask['inputs']

/** The earlier execution whose result is taken, if one is; and why, which for a step that is done is found out while it is. */
type CacheDecision = { readonly from: Ending['reuse'] | undefined; why(): Promise<string> }

/** In a replay each step is done again, except those that change something outside. */
async function replayDecision(original: ExecutionRow, never: boolean, metadata: MetadataStore): Promise<CacheDecision> {
  if (!never) return { from: undefined, why: async () => `a replay of ${original.run} does everything again` }
  if (isDone(original.state as StepState))
    return {
      from: { execution: original.id, outputs: await metadata.attached([original.id], 'output') },
      why: async () => `this step changes something outside of itself, so a replay takes what it did in ${original.run}`,
    }
  throw new AppError(
    'conflict',
    `this step changes something outside of itself, and ${original.run} did not come to its end: a replay ends here`,
  )
}

/** The other steps of a run, and what those put out whose end is known without asking the database. */
export type OtherSteps = { readonly rows: readonly ExecutionRow[]; readonly outputs: ReadonlyMap<string, readonly Output[]> }

/** What progress is stored at most so often, in milliseconds; events go out as they come. */
const STORE_PROGRESS_EVERY = 1000
/** Earlier executions of a step among which the nearest is named where nothing fits. */
const NEAREST_OF = 5

export function createStepRunner(options: StepRunnerOptions) {
  const { db, blobs, clock, random, events, workers } = options
  const runs = runStore(db)
  const metadata = metadataStore(db)
  const api: Client = createClient({ url: BRIDGE_URL, fetch: (url, init) => options.request(new Request(url, init)) })

  /** An artifact that a parameter of the run names. Throws invalid_input for one that is not there, gone, or of another type. */
  async function storedInput(run: RunRow, name: string, type: InputType): Promise<ArtifactSummary> {
    const id = (JSON.parse(run.params) as JsonObject)[name]
    const artifact = typeof id === 'string' ? await metadata.artifact(id) : undefined
    if (artifact === undefined) throw new AppError('invalid_input', `parameter ${name} is ${JSON.stringify(id)}, which is no artifact`)
    if (artifact.type !== artifactTypeOf(type))
      throw new AppError(
        'invalid_input',
        `parameter ${name} names ${artifact.id} of type ${artifact.type}, expected ${artifactTypeOf(type)}`,
      )
    if (artifact.digest === null || !(await blobs.has(artifact.digest)))
      throw new AppError('invalid_input', `what ${artifact.id} held was deleted`)
    return artifact
  }

  async function inputsOf(run: RunRow, pipeline: Pipeline, row: ExecutionRow, others: OtherSteps): Promise<Inputs> {
    const { component, inputs } = must(pipeline.steps[row.step], 'the definition of a step')
    const wires = Object.entries(inputs)
    if (wires.length === 0) return {}
    const sources = new Set(wires.map(([, wire]) => wire.split('.')[0]))
    const steps = others.rows.filter(({ step }) => sources.has(step))
    const unread = steps.filter(({ step }) => !others.outputs.has(step)).map(({ id }) => id)
    const stored = unread.length === 0 ? [] : await metadata.attached(unread, 'output')
    const outputsOf = ({ id, step }: ExecutionRow): readonly Output[] =>
      others.outputs.get(step) ?? stored.filter(({ execution }) => execution === id)
    const taken = await Promise.all(
      wires.map(async ([name, wire]): Promise<[string, Output['artifact']]> => {
        if (wire.startsWith('$')) return [name, await storedInput(run, wire.slice(1), must(component.inputs[name], 'the type of an input'))]
        const [from = '', path = ''] = wire.split('.')
        const source = must(
          steps.find((step) => step.step === from),
          `step ${from}`,
        )
        const { artifact } = must(
          outputsOf(source).find((output) => output.path === path),
          `output ${wire}`,
        )
        return [name, artifact]
      }),
    )
    return Object.fromEntries(
      taken.map(([name, artifact]) => {
        const digest = must(artifact.digest, 'the digest of an artifact')
        return [
          name,
          {
            artifact: artifact.id,
            type: artifact.type as ArtifactType,
            digest,
            bytes: artifact.bytes,
            properties: artifact.properties,
            path: blobs.path(digest),
          },
        ]
      }),
    )
  }

  async function earlier(row: CachedExecution): Promise<EarlierExecution & { readonly outputs: readonly Output[] }> {
    const outputs = await metadata.attached([row.id], 'output')
    const missing: string[] = []
    for (const { path, artifact } of outputs)
      if (artifact.digest === null || !(await blobs.has(artifact.digest))) missing.push(`output ${path}`)
    return {
      id: row.id,
      run: row.run,
      identity: JSON.parse(row.identity ?? 'null') as StepIdentity,
      key: row.cache_key as Sha256,
      missing,
      outputs,
    }
  }

  async function lookUp(row: ExecutionRow, key: Sha256, identity: StepIdentity, never: boolean): Promise<CacheDecision> {
    if (never) return { from: undefined, why: async () => 'this step changes something outside of itself, so it is always done' }
    const same: EarlierExecution[] = []
    for (const one of await runs.withCacheKey(key)) {
      const found = await earlier(one)
      const reuse = reusable([found])
      if (reuse !== undefined) return { from: { execution: reuse.from, outputs: found.outputs }, why: async () => reuse.why }
      same.push(found)
    }
    return {
      from: undefined,
      async why() {
        const others = same.length > 0 ? [] : await runs.lastOfStep(row.pipeline, row.step, NEAREST_OF)
        const identified = others.flatMap((other) =>
          other.identity === null ? [] : [{ run: other.run, identity: JSON.parse(other.identity) as StepIdentity }],
        )
        return whyNotReused(identity, same, identified)
      },
    }
  }

  /** Marks the step as running, while its worker does it: a crash from here on leaves a step that is done again, as its next attempt. */
  async function begin(row: ExecutionRow, resolved: Resolved): Promise<void> {
    const change = { ...resolved.found, state: 'running', ended: null, error: null, progress: null }
    // lost with the machine, the step is done again as if it had not begun
    await writeBatch(db, [changeStep(row.id, change)], { synced: false })
    resolved.begun = true
    events.publish({
      type: 'run.changed',
      subject: row.pipeline,
      data: { run: row.run, pipeline: row.pipeline, step: row.step, state: 'running' },
    })
  }

  const endingOf = (outcome: StepOutcome): Ending => {
    if (outcome.kind === 'cancelled') return { state: 'cancelled', error: { code: 'aborted', detail: outcome.reason }, outputs: {} }
    if (outcome.kind === 'failed')
      return { state: 'failed', error: { code: outcome.failure.code, detail: outcome.failure.detail.slice(0, 4000) }, outputs: {} }
    const { outputs, refused } = outcome.result
    if (refused === undefined) return { state: 'succeeded', error: null, outputs }
    return { state: 'stopped', error: { code: refused.code, detail: refused.detail.slice(0, 4000) }, outputs }
  }

  return {
    /** Does a step of a run, or finds its result, and records the end. Never throws for what the step does; undefined when `halted` before an end was recorded. */
    async run(
      run: RunRow,
      pipeline: Pipeline,
      row: ExecutionRow,
      others: OtherSteps,
      log: RunLog,
      { signal, halted, onBegun }: StepEvents,
    ): Promise<EndedStep | undefined> {
      const { component } = must(pipeline.steps[row.step], 'the definition of a step')
      const resolved: Resolved = { inputs: {}, begun: false, found: { attempts: row.attempts + 1, started: clock.now(), cache: null } }
      const measured = openMetricLog({ db, clock, run: run.seq, step: row.step })
      let ending: Ending
      let kept: string | undefined
      let explain: (() => Promise<void>) | undefined
      try {
        const params: JsonObject = stepParams(pipeline, row.step, JSON.parse(run.params) as JsonObject)
        const inputs = await inputsOf(run, pipeline, row, others)
        resolved.inputs = inputs
        const original = run.replay_of === null ? undefined : await runs.stepOf(run.replay_of, row.step)
        // a replay sees what the original saw, whatever the world is like now
        const reads =
          original !== undefined && original.identity !== null
            ? (JSON.parse(original.identity) as StepIdentity).reads
            : ((await component.reads?.({ params: params as never, pipeline: row.pipeline as Slug, api, idempotencyKey: row.id })) ?? null)
        const digests = Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, input.digest]))
        const keyed = keyedParams(params, component.unkeyed)
        const identity = { component: await componentDigest(component), inputs: digests, params: keyed, reads, seed: run.seed }
        const key = cacheKey(identity)
        const cache =
          original === undefined
            ? await lookUp(row, key, identity, component.cache === 'never')
            : await replayDecision(original, component.cache === 'never', metadata)
        Object.assign(resolved.found, {
          params: JSON.stringify(params),
          cache_key: key,
          identity: JSON.stringify(identity),
        } satisfies Resolved['found'])
        const hit = cache.from !== undefined
        explain = async () => {
          explain = undefined
          const why = await cache.why()
          resolved.found.cache = JSON.stringify({ hit, key, why })
          log.add(row.step, 'info', `${hit ? 'taken from the cache' : 'started'}: ${why}`)
        }
        if (cache.from !== undefined) {
          await explain()
          ending = { state: 'cached', error: null, outputs: {}, reuse: cache.from }
        } else {
          if (signal.aborted) throw new AppError('aborted', 'the run was cancelled')
          kept = keptFolder(options.folder, row.id, key)
          const begun = async () => {
            await explain?.()
            await begin(row, resolved)
            onBegun()
          }
          ending = endingOf(await work(run, pipeline, row, { inputs, params, reads, kept, begun }, log, measured, signal))
        }
      } catch (thrown) {
        const { code, detail } = toAppError(thrown)
        // of a step that no worker took
        await explain?.().catch(() => {})
        ending = { state: signal.aborted ? 'cancelled' : 'failed', error: { code, detail: detail.slice(0, 4000) }, outputs: {} }
      }
      if (halted()) return undefined
      if (ending.error !== null)
        log.add(row.step, ending.state === 'failed' ? 'error' : 'warn', `${ending.error.code}: ${ending.error.detail}`)
      const ended = await recordEnd({ db, random, at: clock.now(), row, resolved, types: component.outputs, ending, log, measured })
      // on its way while the next step is prepared, which waits for it; a failure is told then
      if (ending.state !== 'cached') void durable(db).catch(() => {})
      // most steps keep nothing, and to remove what is not there takes as long as to remember a step
      if (kept !== undefined && ending.state === 'succeeded' && existsSync(kept)) await rm(kept, { recursive: true, force: true })
      events.publish({
        type: 'run.changed',
        subject: row.pipeline,
        data: { run: row.run, pipeline: row.pipeline, step: row.step, state: ending.state },
      })
      return ended
    },
  }

  async function work(
    run: RunRow,
    pipeline: Pipeline,
    row: ExecutionRow,
    { begun, ...given }: Pick<StepTask, 'inputs' | 'params' | 'reads' | 'kept'> & { begun: () => Promise<void> },
    log: RunLog,
    measured: MetricLog,
    signal: AbortSignal,
  ): Promise<StepOutcome> {
    const { component } = must(pipeline.steps[row.step], 'the definition of a step')
    let stored = Number.NEGATIVE_INFINITY
    const outcome = await runStepProcess({
      workers,
      task: {
        module: component.module,
        component: component.name,
        componentVersion: component.version,
        run: row.run as RunId,
        step: row.id as StepId,
        pipeline: row.pipeline as Slug,
        idempotencyKey: row.id,
        ...given,
        seed: run.seed,
        folder: join(options.folder, `${row.id}.${row.attempts + 1}`),
      },
      limits: { ...options.limits, ...component.limits },
      clock,
      blobs,
      request: options.request,
      signal,
      durable: () => durable(db),
      onGiven: begun,
      onLog: (level, message) => log.add(row.step, level, message),
      onMetrics: measured.add,
      onProgress: ({ done, total, note }) => {
        events.publish({
          type: 'run.progress',
          subject: row.pipeline,
          data: { run: row.run, pipeline: row.pipeline, step: row.step, done, total, note },
        })
        if (clock.monotonic() - stored < STORE_PROGRESS_EVERY) return
        stored = clock.monotonic()
        // only a convenience for readers: the next one comes in a second
        void writeBatch(db, [changeStep(row.id, { progress: JSON.stringify({ done, total, note }) })], { synced: false }).catch(() => {})
      },
    })
    if (outcome.kind === 'failed' && outcome.failure.stack !== undefined) log.add(row.step, 'debug', outcome.failure.stack)
    return outcome
  }
}

export type StepRunner = ReturnType<typeof createStepRunner>
