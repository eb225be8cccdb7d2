import type {
  Maturity,
  PipelineSummary,
  RunComparison,
  RunDetail,
  RunSummary,
  TriggerDecision,
  TriggerTest,
} from '../../shared/contract/pipelines.ts'
import { must } from '../../shared/core/assert.ts'
import { AppError } from '../../shared/core/errors.ts'
import { newId, type RunId, type Slug } from '../../shared/core/ids.ts'
import type { JsonObject } from '../../shared/core/json.ts'
import { flatTexts } from '../metadata/run-value.ts'
import { logTexts } from '../metadata/tracking-service.ts'
import type { Db } from '../storage/database.ts'
import type { AnyComponent } from './component.ts'
import { type KnownPipeline, knownPipelines } from './known-pipelines.ts'
import { singleStepFrom, type SingleStepRun } from './single-step-run.ts'
import { waitingSteps } from './waiting-steps.ts'
import { clearKept, clearWork } from './work-folder.ts'
import type { Environment } from './environment.ts'
import { createExecutor, type ExecutorOptions } from './executor.ts'
import { maturityOf } from './maturity.ts'
import { runParams } from './params.ts'
import {
  checkPipeline,
  definitionOf,
  type Pipeline,
  pipelineDigest,
  predecessors,
  releases,
  stepParams,
  type TriggerKind,
} from './pipeline.ts'
import { pipelineStore } from './pipeline-store.ts'
import { type LogLine, runLogStore } from './run-log-store.ts'
import { createRunRecords, type RunRecordsOptions } from './run-records.ts'
import { type RunRow, runStore, runSummaryOf } from './run-store.ts'
import { type Trigger, triggerStore } from './trigger-store.ts'
import { createTriggers, type FleetFacts, type TriggersOptions } from './trigger-service.ts'
import { checkTriggerSettings } from './trigger-settings.ts'

export type PipelinesOptions = ExecutorOptions & {
  /** Runs at the same time, of different pipelines; of one pipeline there is never more than one. */
  readonly concurrent: number
  readonly data: TriggersOptions['data']
  /** The live version of a pipeline's model, and its rollout that is under way, in words. */
  readonly fleet: (pipeline: Pipeline) => Promise<Pick<FleetFacts, 'stable' | 'rollout'>>
  /** Whether a version of a pipeline's model was ever tried on a part of the devices first. */
  readonly hadRollout: (pipeline: Pipeline) => Promise<boolean>
  /** Where and with what code runs are done. */
  readonly environment: () => Promise<Environment>
  readonly arrivals: RunRecordsOptions['arrivals']
}

type Page<T> = { items: T[]; next: string | null }
type PageQuery = { readonly limit: number; readonly cursor?: string | undefined }

export type Pipelines = {
  /** Every component that a step can be run of by itself: those that ship, and those of pipelines. */
  components(): ReadonlyMap<string, AnyComponent>
  /** Runs one component on stored artifacts. Throws not_found, invalid_input. */
  startStep(component: string, run: SingleStepRun): Promise<RunSummary>
  /** Makes a pipeline known; again at each start, as code is its source. Throws invalid_pipeline. */
  define(pipeline: Pipeline): Promise<void>
  list(): Promise<PipelineSummary[]>
  get(name: string): Promise<PipelineSummary>
  setTrigger(
    name: string,
    kind: TriggerKind,
    change: { enabled: boolean; settings?: JsonObject | undefined },
  ): Promise<PipelineSummary['triggers'][number]>
  /** What a trigger would do now. */
  testTrigger(name: string, kind: TriggerKind, settings: JsonObject | undefined): Promise<TriggerTest>
  decisions(name: string, page: PageQuery & { kind?: TriggerKind | undefined }): Promise<Page<TriggerDecision>>
  /** Throws conflict where the trigger on demand says no. */
  startRun(name: string, run: { params: JsonObject; reason: string; by: string; dedupeKey?: string | undefined }): Promise<RunSummary>
  runs(query: PageQuery & { pipeline?: string | undefined; state?: RunSummary['state'] | undefined }): Promise<Page<RunSummary>>
  run(id: RunId): Promise<RunDetail>
  compare(id: RunId, other: RunId): Promise<RunComparison>
  /** Does a run again from the start, nothing from the cache, to see whether the same comes out. */
  replay(id: RunId, by: string): Promise<RunSummary>
  maturity(name: string): Promise<Maturity>
  logs(id: RunId, query: PageQuery & { step?: string | undefined }): Promise<Page<LogLine>>
  resume(id: RunId): Promise<RunSummary>
  cancel(id: RunId, reason: string): Promise<RunSummary>
  /** Goes on with what was running when the process ended, and begins to listen to triggers. */
  begin(): Promise<void>
  tick(): Promise<void>
  /** Resolves when no run is queued or running and no trigger is being considered. */
  idle(): Promise<void>
  close(): Promise<void>
}

export function createPipelines(options: PipelinesOptions): Pipelines {
  const { db, clock, random, events } = options
  const known = knownPipelines()
  const runs = runStore(db)
  const executor = createExecutor(options)
  const records = createRunRecords(options)
  const active = new Map<string, { pipeline: string; done: Promise<void> }>()
  let closing = false
  let dispatching: Promise<void> = Promise.resolve()

  const { components, find, of: knownOf } = known

  const rowOf = async (id: RunId): Promise<RunRow> => {
    const row = await runs.get(id)
    if (row === undefined) throw new AppError('unknown_run', `there is no run ${id}`)
    return row
  }

  /** Drives a run, and looks for the next one when it has ended. */
  function launch(row: RunRow, pipeline: Pipeline): void {
    const done = executor.start(row, pipeline).finally(() => {
      active.delete(row.id)
      if (!closing) void dispatch()
    })
    active.set(row.id, { pipeline: row.pipeline, done })
  }

  /** Starts queued runs while there is room: oldest first, one per pipeline. */
  function dispatch(): Promise<void> {
    dispatching = dispatching
      .then(async () => {
        for (const row of await runs.inState('queued')) {
          if (closing || active.size >= options.concurrent) return
          const busy = [...active.values()].some((other) => other.pipeline === row.pipeline)
          const found = await find(row.pipeline)
          if (!busy && found !== undefined) launch(row, found.pipeline)
        }
      })
      .catch(options.onError)
    return dispatching
  }

  async function enqueue(
    { pipeline, digest }: KnownPipeline,
    run: { params: JsonObject; trigger: RunSummary['trigger']; dedupeKey: string | null; replays?: RunRow },
    also: (tx: Db, run: RunId) => Promise<void> = () => Promise.resolve(),
  ): Promise<RunSummary | undefined> {
    // the very parameters of the run that is replayed, whatever the defaults are now
    const params = run.replays === undefined ? runParams(pipeline.params, run.params) : run.params
    const environment = await options.environment()
    // parameters that no step takes are told now, not in the middle of the run
    for (const name of Object.keys(pipeline.steps)) stepParams(pipeline, name, params)
    const seed = params['seed']
    const id = newId('run', random)
    const added = await db.transaction().execute(async (tx) => {
      const inside = runStore(tx)
      const fresh = await inside.add({
        id,
        pipeline: pipeline.name,
        pipelineDigest: digest,
        trigger: run.trigger,
        dedupeKey: run.dedupeKey,
        params,
        seed: run.replays?.seed ?? (typeof seed === 'number' ? seed : 1),
        replayOf: (run.replays?.id as RunId | undefined) ?? null,
        created: clock.now(),
      })
      if (!fresh) return undefined
      await inside.addSteps(waitingSteps(pipeline, id, random))
      const row = must(await inside.get(id), 'the run that was added')
      await logTexts(tx, row.seq, 'param', flatTexts(params))
      await logTexts(tx, row.seq, 'tag', { ...environment, trigger: run.trigger.kind })
      await also(tx, id)
      return row
    })
    if (added === undefined) return undefined
    events.publish({ type: 'run.changed', subject: pipeline.name, data: { run: id, pipeline: pipeline.name, step: null, state: 'queued' } })
    await dispatch()
    return runSummaryOf((await runs.get(id)) ?? added)
  }

  /** A run that may end in a new version of this model. */
  async function underwayFor(model: string): Promise<RunRow | undefined> {
    const open = [...(await runs.inState('running')), ...(await runs.inState('queued'))]
    return open.find((row) => known.get(row.pipeline)?.pipeline.model === model)
  }

  const triggers = createTriggers({
    db,
    clock,
    events,
    pipelines: () => known.all().map(({ pipeline }) => pipeline),
    data: options.data,
    fleet: async (pipeline) => {
      const run = await underwayFor(pipeline.model)
      const { stable, rollout } = await options.fleet(pipeline)
      return {
        stable,
        underway: run === undefined ? rollout : `run ${run.id} of ${run.pipeline} is under way`,
        rollout: releases(pipeline) ? rollout : null,
      }
    },
    start: (pipeline, run, also) => enqueue(knownOf(pipeline.name), run, also),
    onError: options.onError,
  })

  const triggerSummary = (trigger: Trigger) => ({
    kind: trigger.kind,
    enabled: trigger.enabled,
    settings: trigger.settings,
    lastFired: trigger.lastFired,
  })

  async function summary({ pipeline, digest }: KnownPipeline): Promise<PipelineSummary> {
    const last = await runs.last(pipeline.name)
    return {
      name: pipeline.name as Slug,
      dataset: pipeline.dataset as Slug,
      digest,
      description: pipeline.description,
      steps: Object.entries(pipeline.steps).map(([name, { component }]) => ({
        name,
        component: component.name,
        componentVersion: component.version,
        after: predecessors(pipeline, name),
      })),
      triggers: (await triggerStore(db).list(pipeline.name)).map(triggerSummary),
      params: pipeline.params,
      lastRun: last === undefined ? null : runSummaryOf(last),
    }
  }

  return {
    async define(pipeline) {
      const checked = checkPipeline(pipeline)
      if (!checked.ok) throw checked.error
      for (const [kind, trigger] of Object.entries(pipeline.triggers)) checkTriggerSettings(kind as TriggerKind, trigger.settings)
      const digest = await pipelineDigest(pipeline)
      await db.transaction().execute(async (tx) => {
        await pipelineStore(tx).put({
          name: pipeline.name,
          digest,
          definition: JSON.stringify(definitionOf(pipeline)),
          updated: clock.now(),
        })
        for (const [kind, trigger] of Object.entries(pipeline.triggers))
          await triggerStore(tx).define(pipeline.name, kind as TriggerKind, { ...trigger, since: clock.now() })
      })
      known.add({ pipeline, digest })
    },

    list: () => Promise.all(known.all().map(summary)),
    get: async (name) => summary(knownOf(name)),

    async setTrigger(name, kind, change) {
      return triggerSummary(await triggers.set(knownOf(name).pipeline, kind, change))
    },

    testTrigger: async (name, kind, settings) => triggers.test(knownOf(name).pipeline, kind, settings),

    decisions: async (name, { limit, cursor, kind }) =>
      triggers.decisions(knownOf(name).pipeline, { limit, kind, before: cursor === undefined ? undefined : cursorOf(cursor) }),

    async startRun(name, run) {
      const started = await triggers.demand(knownOf(name).pipeline, run)
      return typeof started === 'string' ? runSummaryOf(await rowOf(started)) : started
    },

    components,

    async startStep(name, run) {
      const { found, params } = await singleStepFrom(db, components(), name, run)
      const trigger = { kind: 'demand' as const, reason: run.reason, by: run.by }
      return must(await enqueue(found, { params, trigger, dedupeKey: null }, async () => {}), 'a run on demand')
    },

    async runs({ pipeline, state, limit, cursor }) {
      const rows = await runs.page({ pipeline, state, limit, before: cursor === undefined ? undefined : cursorOf(cursor) })
      return { items: rows.map(runSummaryOf), next: rows.length < limit ? null : String(rows.at(-1)?.seq) }
    },

    run: async (id) => records.detail(await rowOf(id)),

    compare: async (id, other) => records.compare(await rowOf(id), await rowOf(other)),

    async maturity(name) {
      const { pipeline } = knownOf(name)
      const { steps, triggers: own } = await summary(knownOf(name))
      return maturityOf({ steps, triggers: own, ...(await records.history(pipeline)), rollout: await options.hadRollout(pipeline) })
    },

    async replay(id, by) {
      const row = await rowOf(id)
      if (row.state === 'running' || row.state === 'queued')
        throw new AppError('conflict', `run ${id} is ${row.state}: replay it when it has ended`)
      const found = knownOf(row.pipeline)
      if (found.digest !== row.pipeline_digest)
        throw new AppError('conflict', `pipeline ${row.pipeline} was changed since run ${id}: another definition cannot make the same`)
      const trigger = { kind: 'demand' as const, reason: `replay of ${id}`, by }
      const params = JSON.parse(row.params) as JsonObject
      return must(await enqueue(found, { params, trigger, dedupeKey: null, replays: row }, async () => {}), 'a replay')
    },

    async logs(id, { step, limit, cursor }) {
      await rowOf(id)
      const items = await runLogStore(db).page(id, { step, after: cursor === undefined ? 0 : cursorOf(cursor), limit })
      return { items, next: items.length < limit ? null : String(items.at(-1)?.seq) }
    },

    async resume(id) {
      const row = await rowOf(id)
      if (row.state === 'succeeded' || row.state === 'running' || row.state === 'queued')
        throw new AppError('conflict', `run ${id} is ${row.state}: there is nothing to resume`)
      const found = (await find(row.pipeline)) ?? knownOf(row.pipeline)
      if (found.digest !== row.pipeline_digest)
        throw new AppError(
          'conflict',
          `pipeline ${row.pipeline} was changed since run ${id}: start a new run; steps that are the same come from the cache`,
        )
      await runs.setState(id, 'queued', { ended: null, error: null, cancel: null })
      events.publish({ type: 'run.changed', subject: row.pipeline, data: { run: id, pipeline: row.pipeline, step: null, state: 'queued' } })
      await dispatch()
      return runSummaryOf(await rowOf(id))
    },

    async cancel(id, reason) {
      const row = await rowOf(id)
      if (row.state !== 'running' && row.state !== 'queued') throw new AppError('conflict', `run ${id} is ${row.state} already`)
      await runs.setCancel(id, reason)
      if (!executor.cancel(id, reason) && row.state === 'queued') {
        const steps = await runs.steps(id)
        await db.transaction().execute(async (tx) => {
          await runStore(tx).setSteps(
            steps.filter((step) => step.state === 'waiting').map((step) => step.id),
            'cancelled',
          )
          await runStore(tx).setState(id, 'cancelled', { ended: clock.now(), error: { code: 'aborted', detail: reason, step: null } })
        })
        events.publish({
          type: 'run.changed',
          subject: row.pipeline,
          data: { run: id, pipeline: row.pipeline, step: null, state: 'cancelled' },
        })
      }
      return runSummaryOf(await rowOf(id))
    },

    async begin() {
      await clearWork(options.folder)
      await clearKept(options.folder, clock.now())
      for (const row of await runs.inState('running')) {
        const found = await find(row.pipeline)
        if (found !== undefined && found.digest === row.pipeline_digest) launch(row, found.pipeline)
        else {
          const detail =
            found === undefined
              ? `pipeline ${row.pipeline} no longer exists`
              : `pipeline ${row.pipeline} was changed while the run was interrupted: start a new run`
          await runs.setState(row.id, 'failed', { ended: clock.now(), error: { code: 'invalid_pipeline', detail, step: null } })
        }
      }
      await dispatch()
      executor.warm()
      triggers.begin()
    },

    tick: triggers.tick,

    async idle() {
      for (;;) {
        await triggers.settled()
        await dispatching
        const running = [...active.values()]
        if (running.length === 0) return
        await Promise.allSettled(running.map(({ done }) => done))
      }
    },

    async close() {
      closing = true
      await triggers.close()
      await dispatching
      await executor.close()
    },
  }
}

function cursorOf(text: string): number {
  if (!/^[0-9]{1,15}$/.test(text)) throw new AppError('invalid_input', 'the cursor is not one that a page gave as `next`')
  return Number(text)
}
