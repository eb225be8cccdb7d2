import type { RunSummary } from '../../shared/contract/pipelines.ts'
import type { Clock } from '../../shared/core/clock.ts'
import type { Json, JsonObject } from '../../shared/core/json.ts'
import type { EventBus, ServerEvent } from '../events.ts'
import type { Db } from '../storage/database.ts'
import type { Pipeline, TriggerKind } from './pipeline.ts'
import { type Trigger, triggerStore } from './trigger-store.ts'
import { considerTrigger, parseTriggerSettings, type TriggerFacts, type Verdict } from './triggers.ts'

/** What has arrived that a model could learn from. */
export type DataFacts = Pick<TriggerFacts, 'newExamples' | 'allExamples' | 'newSpans' | 'newestSpan'>

/** Which version is live, and what is being done about it. */
export type FleetFacts = Pick<TriggerFacts, 'stable' | 'underway'>

export type TriggersOptions = {
  readonly db: Db
  readonly clock: Clock
  readonly events: EventBus
  readonly pipelines: () => readonly Pipeline[]
  /** Counts for a pipeline's model and dataset, spans since a time. */
  readonly data: (pipeline: Pipeline, since: number) => Promise<DataFacts>
  readonly fleet: (pipeline: Pipeline) => Promise<FleetFacts>
  /** Undefined when a run with this key was started before. */
  readonly start: (
    pipeline: Pipeline,
    run: { params: JsonObject; trigger: RunSummary['trigger']; dedupeKey: string | null },
  ) => Promise<RunSummary | undefined>
  readonly onError: (thrown: unknown) => void
}

/** How often schedules and pending verdicts are looked at, in milliseconds. */
const LOOK_EVERY = 30_000

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

  async function facts(pipeline: Pipeline, trigger: Trigger): Promise<TriggerFacts> {
    const data = await options.data(pipeline, trigger.lastFired ?? trigger.since)
    const fleet = await options.fleet(pipeline)
    return {
      now: clock.now(),
      since: trigger.since,
      lastFired: trigger.lastFired,
      verdict: trigger.pending,
      demand: null,
      ...data,
      ...fleet,
    }
  }

  async function consider(pipeline: Pipeline, trigger: Trigger): Promise<void> {
    const { kind, settings } = trigger
    const verdict = considerTrigger(kind, settings, await facts(pipeline, trigger))
    const at = clock.now()
    const decision = { at, kind, code: verdict.code, why: verdict.why, dedupeKey: verdict.dedupeKey }
    if (!verdict.fired) {
      await store.decide(pipeline.name, { ...decision, fired: false, run: null })
      if (verdict.code === 'overtaken') await store.setPending(pipeline.name, kind, null)
      return
    }
    const dedupeKey = verdict.dedupeKey === null ? null : `${pipeline.name}:${verdict.dedupeKey}`
    const run = await options.start(pipeline, {
      params: parseTriggerSettings(kind, settings).params,
      trigger: { kind, reason: verdict.why, by: `trigger ${kind}` },
      dedupeKey,
    })
    await db.transaction().execute(async (tx) => {
      const inside = triggerStore(tx)
      if (run === undefined)
        await inside.decide(pipeline.name, {
          ...decision,
          code: 'duplicate',
          fired: false,
          why: `${verdict.why}; but a run was started for this already`,
          run: null,
        })
      else await inside.decide(pipeline.name, { ...decision, fired: true, run: run.id })
      // a verdict stands until its version is no longer the stable one: the run may be refused
      if (run !== undefined) await inside.setFired(pipeline.name, kind, at)
    })
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
          if (trigger.enabled && waiting && kinds.includes(trigger.kind)) await consider(pipeline, trigger)
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
    else if (event.type === 'rollout.changed' || event.type === 'alias.changed')
      void look(['drift', 'degradation'], (pipeline) => pipeline.model === field(event.data, 'model'))
    // a run as a whole, not one of its steps: what waited for its end is considered again
    else if (event.type === 'run.changed' && field(event.data, 'step') === null) void look(['drift', 'degradation'], () => true)
    else if (event.type === 'span.added') void look(['new-data'], (pipeline) => pipeline.dataset === field(event.data, 'dataset'))
  })

  return {
    /** Looks at schedules, and at verdicts that rest or wait. Called by itself twice a minute. */
    tick: (): Promise<void> => look(['schedule', 'drift', 'degradation'], () => true),

    /** Resolves when everything that was published so far has been considered. */
    settled: (): Promise<void> => queue,

    begin(): void {
      const loop = async () => {
        for (;;) {
          await clock.sleep(LOOK_EVERY, closed.signal)
          await look(['schedule', 'drift', 'degradation'], () => true)
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
