import type { RunSummary, TriggerDecision, TriggerTest } from '../../shared/contract/pipelines.ts'
import type { Clock } from '../../shared/core/clock.ts'
import { AppError, toAppError } from '../../shared/core/errors.ts'
import type { RunId } from '../../shared/core/ids.ts'
import type { Json, JsonObject } from '../../shared/core/json.ts'
import type { EventBus, ServerEvent } from '../events.ts'
import type { Db } from '../storage/database.ts'
import type { Pipeline, TriggerKind } from './pipeline.ts'
import { type Trigger, triggerStore } from './trigger-store.ts'
import { nextMoment } from './schedule.ts'
import { checkTriggerSettings, parseTriggerSettings } from './trigger-settings.ts'
import { considerTrigger, type TriggerFacts, type TriggerVerdict, type Verdict } from './triggers.ts'

/** What has arrived that a model could learn from. */
export type DataFacts = Pick<TriggerFacts, 'newExamples' | 'allExamples' | 'newSpans' | 'newestSpan'>

/** Which version is live, and what is being done about it. */
export type FleetFacts = Pick<TriggerFacts, 'stable' | 'underway' | 'rollout'>

export type TriggersOptions = {
  readonly db: Db
  readonly clock: Clock
  readonly events: EventBus
  readonly pipelines: () => readonly Pipeline[]
  /** Counts for a pipeline's model and dataset, spans since a time. */
  readonly data: (pipeline: Pipeline, since: number) => Promise<DataFacts>
  readonly fleet: (pipeline: Pipeline) => Promise<FleetFacts>
  /** Stores a run, and in the same transaction what `also` does; undefined when a run with this key was started before. */
  readonly start: (
    pipeline: Pipeline,
    run: { params: JsonObject; trigger: RunSummary['trigger']; dedupeKey: string | null },
    also: (tx: Db, run: RunId) => Promise<void>,
  ) => Promise<RunSummary | undefined>
  readonly onError: (thrown: unknown) => void
}

type Firing = { readonly params: JsonObject; readonly trigger: RunSummary['trigger'] }

/** How often schedules and pending verdicts are looked at, in milliseconds. */
const LOOK_EVERY = 30_000
/** Kinds that may become due without an event: a moment comes, a cooldown ends. */
const BY_TIME: readonly TriggerKind[] = ['schedule', 'drift', 'degradation', 'new-data']
/** Missed moments of a schedule that one look makes up for; the next look goes on. */
const MAX_CATCH_UP = 100
/** Moments of a schedule that a test names. */
const SHOWN_MOMENTS = 5

/** For a trigger that looks at no data and at no model. */
const NOTHING_NEW = {
  verdict: null,
  newExamples: 0,
  allExamples: 0,
  newSpans: 0,
  newestSpan: 0,
  stable: null,
  underway: null,
  rollout: null,
} as const

const field = (data: Json, name: string): Json | undefined =>
  typeof data === 'object' && data !== null && !Array.isArray(data) ? (data as JsonObject)[name] : undefined

function verdictOf(event: ServerEvent): { kind: 'drift' | 'degradation'; verdict: Verdict } | undefined {
  const kind = field(event.data, 'verdict')
  const model = field(event.data, 'model')
  const version = field(event.data, 'version')
  if ((kind !== 'drift' && kind !== 'degradation') || typeof model !== 'string' || typeof version !== 'number') return undefined
  const features = field(event.data, 'features')
  const detail = field(event.data, 'detail')
  return {
    kind,
    verdict: {
      model,
      version,
      features: Array.isArray(features) ? features.filter((name): name is string => typeof name === 'string') : [],
      detail: typeof detail === 'string' ? detail : 'reported by the monitoring',
    },
  }
}

/** Listens to what happens and starts runs. Events of one moment are considered one after the other, so that none sees a state half changed. */
export function createTriggers(options: TriggersOptions) {
  const { db, clock, events } = options
  const store = triggerStore(db)
  const closed = new AbortController()
  let queue: Promise<void> = Promise.resolve()

  /** What a trigger has done so far. */
  async function history({ pipeline, kind, settings, since, lastFired, lastDue }: Trigger) {
    const now = clock.now()
    const { budget } = parseTriggerSettings(kind, settings)
    const spent = budget === undefined ? { runs: 0, minutes: 0 } : await store.spent(pipeline, kind, now - budget.periodMs, now)
    return { now, since, lastFired, lastDue, spent }
  }

  async function facts(pipeline: Pipeline, trigger: Trigger, demand: TriggerFacts['demand'] = null): Promise<TriggerFacts> {
    return {
      ...(await history(trigger)),
      verdict: trigger.pending,
      demand,
      ...(await options.data(pipeline, trigger.lastFired ?? trigger.since)),
      ...(await options.fleet(pipeline)),
    }
  }

  /** Starts the run that a verdict calls for. The run, the decision and what the trigger remembers are one transaction: whoever is killed has done all of it or nothing. */
  async function fire(pipeline: Pipeline, kind: TriggerKind, verdict: TriggerVerdict, run: Firing): Promise<RunSummary | undefined> {
    const at = clock.now()
    const decision = { at, kind, code: verdict.code, why: verdict.why, dedupeKey: verdict.dedupeKey }
    const dedupeKey = verdict.dedupeKey === null ? null : `${pipeline.name}:${verdict.dedupeKey}`
    const started = await options.start(pipeline, { ...run, dedupeKey }, async (tx, id) => {
      const inside = triggerStore(tx)
      await inside.decide(pipeline.name, { ...decision, fired: true, run: id })
      // a verdict stands until its version is no longer the stable one: the run may be refused
      await inside.setFired(pipeline.name, kind, { at, due: verdict.due })
    })
    if (started !== undefined) return started
    const why = `${verdict.why}; but a run was started for this already`
    await db.transaction().execute(async (tx) => {
      await triggerStore(tx).decide(pipeline.name, { ...decision, code: 'duplicate', fired: false, why, run: null })
      await triggerStore(tx).setFired(pipeline.name, kind, { due: verdict.due })
    })
    return undefined
  }

  /** True when a run was started. */
  async function consider(pipeline: Pipeline, trigger: Trigger): Promise<boolean> {
    const { kind, settings } = trigger
    const verdict = considerTrigger(kind, settings, await facts(pipeline, trigger))
    const decision = { at: clock.now(), kind, code: verdict.code, why: verdict.why, dedupeKey: verdict.dedupeKey, fired: false, run: null }
    if (!verdict.fired) {
      await store.decide(pipeline.name, decision)
      if (verdict.code === 'overtaken') await store.setPending(pipeline.name, kind, null)
      return false
    }
    const { params } = parseTriggerSettings(kind, settings)
    try {
      return (await fire(pipeline, kind, verdict, { params, trigger: { kind, reason: verdict.why, by: `trigger ${kind}` } })) !== undefined
    } catch (thrown) {
      const { code, detail } = toAppError(thrown)
      if (code === 'internal') throw thrown
      // what it was set to no longer fits its pipeline
      await store.decide(pipeline.name, { ...decision, code, why: `${verdict.why}; but the run cannot start: ${detail}` })
      return false
    }
  }

  const enqueue = (work: () => Promise<void>): Promise<void> => {
    queue = queue.then(work).catch(options.onError)
    return queue
  }

  /** Considers triggers of these kinds, of the pipelines that `concerned` names. */
  const look = (kinds: readonly TriggerKind[], concerned: (pipeline: Pipeline) => boolean): Promise<void> =>
    enqueue(async () => {
      for (const pipeline of options.pipelines().filter(concerned)) {
        for (const trigger of await store.list(pipeline.name)) {
          const waiting = trigger.kind === 'drift' || trigger.kind === 'degradation' ? trigger.pending !== null : true
          if (!trigger.enabled || !waiting || !kinds.includes(trigger.kind)) continue
          let again: Trigger | undefined = trigger
          for (let turn = 0; turn < MAX_CATCH_UP && again !== undefined && (await consider(pipeline, again)); turn++)
            again = trigger.kind === 'schedule' ? await store.get(pipeline.name, trigger.kind) : undefined
        }
      }
    })

  const onVerdict = (event: ServerEvent): void => {
    const found = verdictOf(event)
    if (found === undefined) return
    const concerned = (pipeline: Pipeline) => pipeline.model === found.verdict.model
    void enqueue(async () => {
      for (const pipeline of options.pipelines().filter(concerned)) await store.setPending(pipeline.name, found.kind, found.verdict)
    })
    void look([found.kind], concerned)
  }

  /** Values of a dataset have changed: as good a reason to retrain the version that is live as what its devices count. */
  const onValueSkew = (event: ServerEvent): void => {
    const [dataset, span, features] = [field(event.data, 'dataset'), field(event.data, 'span'), field(event.data, 'features')]
    const concerned = (pipeline: Pipeline) => pipeline.dataset === dataset
    void enqueue(async () => {
      for (const pipeline of options.pipelines().filter(concerned)) {
        const { stable } = await options.fleet(pipeline)
        if (stable === null) continue
        const names = Array.isArray(features) ? features.filter((name): name is string => typeof name === 'string') : []
        const detail = `values of ${String(dataset)} have changed with span ${String(span)}. ${String(field(event.data, 'detail') ?? '')}`
        await store.setPending(pipeline.name, 'drift', { model: pipeline.model, version: stable, features: names, detail })
      }
    })
    void look(['drift'], concerned)
  }

  const unsubscribe = events.subscribe((event) => {
    if (event.type === 'monitoring.verdict') onVerdict(event)
    else if (event.type === 'data.verdict') onValueSkew(event)
    else if (event.type === 'examples.shared')
      void look(['new-data', 'drift', 'degradation'], (pipeline) => pipeline.model === field(event.data, 'model'))
    else if (event.type === 'rollout.changed') void look(BY_TIME, (pipeline) => pipeline.model === field(event.data, 'model'))
    else if (event.type === 'alias.changed')
      void look(['drift', 'degradation'], (pipeline) => pipeline.model === field(event.data, 'model'))
    // a run as a whole, not one of its steps: what waited for its end is considered again
    else if (event.type === 'run.changed' && field(event.data, 'step') === null) void look(['drift', 'degradation'], () => true)
    else if (event.type === 'span.added') void look(['new-data'], (pipeline) => pipeline.dataset === field(event.data, 'dataset'))
  })

  const triggerOf = async (pipeline: Pipeline, kind: TriggerKind): Promise<Trigger> => {
    const trigger = await store.get(pipeline.name, kind)
    if (trigger === undefined) throw new AppError('not_found', `pipeline ${pipeline.name} has no trigger ${kind}`)
    return trigger
  }

  return {
    /** Starts a run because somebody asks for it, unless the trigger on demand says no (conflict). A key that was used before gives the run that it started. */
    async demand(
      pipeline: Pipeline,
      { params, reason, by, dedupeKey }: { params: JsonObject; reason: string; by: string; dedupeKey?: string | undefined },
    ): Promise<RunSummary | RunId> {
      const trigger = await store.get(pipeline.name, 'demand')
      const key = dedupeKey === undefined ? null : `demand:${dedupeKey}`
      const asked = { by, reason }
      let verdict: TriggerVerdict = { fired: true, code: 'fired', why: `asked for by ${by}: ${reason}`, dedupeKey: key }
      if (trigger !== undefined) {
        const found = considerTrigger('demand', trigger.settings, { ...NOTHING_NEW, ...(await history(trigger)), demand: asked })
        verdict = trigger.enabled
          ? { ...found, dedupeKey: key }
          : { ...verdict, fired: false, code: 'off', why: `${found.why}; but the trigger on demand is off` }
      }
      if (!verdict.fired) {
        await store.decide(pipeline.name, {
          at: clock.now(),
          kind: 'demand',
          code: verdict.code,
          why: verdict.why,
          dedupeKey: key,
          fired: false,
          run: null,
        })
        throw new AppError('conflict', verdict.why)
      }
      const given = trigger === undefined ? {} : parseTriggerSettings('demand', trigger.settings).params
      const run = await fire(pipeline, 'demand', verdict, { params: { ...given, ...params }, trigger: { kind: 'demand', reason, by } })
      if (run !== undefined) return run
      return (await store.keyUsed(`${pipeline.name}:${key}`)) as RunId
    },

    /** Sets a trigger, also one that the pipeline's definition does not name. */
    async set(pipeline: Pipeline, kind: TriggerKind, change: { enabled: boolean; settings?: JsonObject | undefined }): Promise<Trigger> {
      const settings = change.settings ?? (await store.get(pipeline.name, kind))?.settings ?? {}
      checkTriggerSettings(kind, settings)
      return store.set(pipeline.name, kind, { enabled: change.enabled, settings, since: clock.now() })
    },

    /** What a trigger would do now. Starts and keeps nothing. */
    async test(pipeline: Pipeline, kind: TriggerKind, settings: JsonObject | undefined): Promise<TriggerTest> {
      const own = await triggerOf(pipeline, kind)
      const trigger = settings === undefined ? own : { ...own, settings }
      const known = await facts(pipeline, trigger, kind === 'demand' ? { by: 'a test', reason: 'a test' } : null)
      const verdict = considerTrigger(kind, trigger.settings, known)
      const used = verdict.dedupeKey === null ? undefined : await store.keyUsed(`${pipeline.name}:${verdict.dedupeKey}`)
      const next: number[] = []
      if (kind === 'schedule') {
        const schedule = parseTriggerSettings('schedule', trigger.settings)
        for (let at = nextMoment(schedule, known.now); at !== undefined && next.length < SHOWN_MOMENTS; at = nextMoment(schedule, at))
          next.push(at)
      }
      const { fired, code, why } =
        verdict.fired && used !== undefined
          ? { fired: false, code: 'duplicate', why: `${verdict.why}; but run ${used} was started for this already` }
          : verdict
      const off = trigger.enabled ? '' : '; but the trigger is off'
      return {
        fires: fired && trigger.enabled,
        code: fired && !trigger.enabled ? 'off' : code,
        why: why + off,
        dedupeKey: verdict.dedupeKey,
        next,
        facts: { ...known } as unknown as JsonObject,
      }
    },

    async decisions(
      pipeline: Pipeline,
      { limit, before, kind }: { limit: number; before?: number | undefined; kind?: TriggerKind | undefined },
    ): Promise<{ items: TriggerDecision[]; next: string | null }> {
      const rows = await store.decisions(pipeline.name, { limit, before, kind })
      return { items: rows.map(({ seq: _, ...decision }) => decision), next: rows.length < limit ? null : String(rows.at(-1)?.seq) }
    },

    /** Looks at schedules, and at verdicts that rest or wait. Called by itself twice a minute. */
    tick: (): Promise<void> => look(BY_TIME, () => true),

    /** Resolves when everything that was published so far has been considered. */
    settled: (): Promise<void> => queue,

    begin(): void {
      const loop = async () => {
        for (;;) {
          await clock.sleep(LOOK_EVERY, closed.signal)
          await look(BY_TIME, () => true)
        }
      }
      // ends by the signal only
      void loop().catch(() => {})
    },

    async close(): Promise<void> {
      closed.abort()
      unsubscribe()
      await queue
    },
  }
}

export type Triggers = ReturnType<typeof createTriggers>
