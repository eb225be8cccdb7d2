import type { Selectable } from 'kysely'
import type { RunSummary } from '../../shared/contract/pipelines.ts'
import type { Sha256 } from '../../shared/core/digest.ts'
import type { ErrorCode } from '../../shared/core/errors.ts'
import type { RunId, Slug, StepId } from '../../shared/core/ids.ts'
import type { JsonObject } from '../../shared/core/json.ts'
import type { ExecutionRow, MetadataTables, NewExecution } from '../metadata/metadata-store.ts'
import { readRows, type Statement } from '../storage/statements.ts'
import type { Db } from '../storage/database.ts'
import type { RunState, StepState } from './planner.ts'

type RunTables = {
  runs: {
    id: string
    seq: number
    pipeline: string
    pipeline_digest: string
    state: string
    trigger: string
    dedupe_key: string | null
    params: string
    seed: number
    cancel: string | null
    created: number
    started: number | null
    ended: number | null
    error: string | null
    replay_of: string | null
  }
}

export type RunTrigger = RunSummary['trigger']
export type RunError = { readonly code: ErrorCode; readonly detail: string; readonly step: string | null }
export type StepError = { readonly code: ErrorCode; readonly detail: string }

export type RunRow = Selectable<RunTables['runs']>
/** What the cache reads of an execution. */
export type CachedExecution = Pick<ExecutionRow, 'id' | 'run' | 'identity' | 'cache_key'>

export const runSummaryOf = (row: RunRow): RunSummary => ({
  id: row.id as RunId,
  pipeline: row.pipeline as Slug,
  pipelineDigest: row.pipeline_digest as Sha256,
  state: row.state as RunState,
  trigger: JSON.parse(row.trigger) as RunTrigger,
  params: JSON.parse(row.params) as JsonObject,
  replayOf: row.replay_of as RunId | null,
  created: row.created,
  started: row.started,
  ended: row.ended,
  error: row.error === null ? null : (JSON.parse(row.error) as RunError),
})

export type NewRun = {
  readonly id: RunId
  readonly pipeline: string
  readonly pipelineDigest: Sha256
  readonly trigger: RunTrigger
  readonly dedupeKey: string | null
  readonly params: JsonObject
  readonly seed: number
  readonly created: number
  readonly replayOf: RunId | null
}

/** Changes a step's row, as part of a batch. */
export function changeStep(id: string, change: Partial<Omit<ExecutionRow, 'id' | 'seq'>>): Statement {
  const columns = Object.entries(change)
  return {
    text: `update executions set ${columns.map(([name]) => `${name} = ?`).join(', ')} where id = ?`,
    values: [...columns.map(([, value]) => value), id],
  }
}

/** Ends a run, as part of a batch. */
export const endRun = (id: string, { state, ended, error }: Pick<RunRow, 'state' | 'ended' | 'error'>): Statement => ({
  text: 'update runs set state = ?, ended = ?, error = ? where id = ?',
  values: [state, ended, error, id],
})

/** Takes a database or a transaction. */
export function runStore(base: Db) {
  const db = base.withTables<RunTables & MetadataTables>()
  return {
    /** False when there is a run with the same dedupe key already. */
    async add(run: NewRun): Promise<boolean> {
      const last = await db
        .selectFrom('runs')
        .select((e) => e.fn.max('seq').as('seq'))
        .executeTakeFirst()
      const added = await db
        .insertInto('runs')
        .values({
          id: run.id,
          seq: (last?.seq ?? 0) + 1,
          pipeline: run.pipeline,
          pipeline_digest: run.pipelineDigest,
          state: 'queued',
          trigger: JSON.stringify(run.trigger),
          dedupe_key: run.dedupeKey,
          params: JSON.stringify(run.params),
          seed: run.seed,
          cancel: null,
          created: run.created,
          started: null,
          ended: null,
          error: null,
          replay_of: run.replayOf,
        })
        .onConflict((c) => c.column('dedupe_key').doNothing())
        .returning('id')
        .executeTakeFirst()
      return added !== undefined
    },

    addSteps: async (steps: readonly NewExecution[]): Promise<void> => {
      await db
        .insertInto('executions')
        .values([...steps])
        .execute()
    },

    get: (id: string): Promise<RunRow | undefined> => db.selectFrom('runs').selectAll().where('id', '=', id).executeTakeFirst(),

    bySeq: async (seqs: readonly number[]): Promise<RunRow[]> =>
      seqs.length === 0 ? [] : db.selectFrom('runs').selectAll().where('seq', 'in', seqs).execute(),

    inState: (state: RunState): Promise<RunRow[]> => db.selectFrom('runs').selectAll().where('state', '=', state).orderBy('seq').execute(),

    last: (pipeline: string): Promise<RunRow | undefined> =>
      db.selectFrom('runs').selectAll().where('pipeline', '=', pipeline).orderBy('seq', 'desc').limit(1).executeTakeFirst(),

    page: (options: {
      pipeline?: string | undefined
      state?: string | undefined
      limit: number
      before?: number | undefined
    }): Promise<RunRow[]> => {
      let query = db.selectFrom('runs').selectAll().orderBy('seq', 'desc').limit(options.limit)
      if (options.pipeline !== undefined) query = query.where('pipeline', '=', options.pipeline)
      if (options.state !== undefined) query = query.where('state', '=', options.state)
      if (options.before !== undefined) query = query.where('seq', '<', options.before)
      return query.execute()
    },

    async setState(
      id: string,
      state: RunState,
      change: { started?: number; ended?: number | null; error?: RunError | null; cancel?: string | null },
    ): Promise<void> {
      await db
        .updateTable('runs')
        .set({
          state,
          ...(change.started === undefined ? {} : { started: change.started }),
          ...(change.ended === undefined ? {} : { ended: change.ended }),
          ...(change.error === undefined ? {} : { error: change.error && JSON.stringify(change.error) }),
          ...(change.cancel === undefined ? {} : { cancel: change.cancel }),
        })
        .where('id', '=', id)
        .execute()
    },

    async setCancel(id: string, reason: string): Promise<void> {
      await db.updateTable('runs').set({ cancel: reason }).where('id', '=', id).execute()
    },

    steps: (run: string): Promise<ExecutionRow[]> =>
      db.selectFrom('executions').selectAll().where('run', '=', run).orderBy('position').execute(),

    stepOf: (run: string, step: string): Promise<ExecutionRow | undefined> =>
      db.selectFrom('executions').selectAll().where('run', '=', run).where('step', '=', step).executeTakeFirst(),

    step: (id: StepId): Promise<ExecutionRow | undefined> =>
      db.selectFrom('executions').selectAll().where('id', '=', id).executeTakeFirst(),

    async setSteps(ids: readonly string[], state: StepState): Promise<void> {
      if (ids.length > 0) await db.updateTable('executions').set({ state }).where('id', 'in', ids).execute()
    },

    /** Successful executions with this cache key, newest first. Those that were cached themselves lead to the same artifacts. */
    withCacheKey: (key: Sha256): Promise<CachedExecution[]> =>
      readRows<CachedExecution>(base, {
        text: `select id, run, identity, cache_key from executions where cache_key = ? and state = 'succeeded' order by ended desc limit 5`,
        values: [key],
      }),

    /** The newest finished executions of the same step of the same pipeline. */
    lastOfStep: (pipeline: string, step: string, limit: number): Promise<ExecutionRow[]> =>
      db
        .selectFrom('executions')
        .selectAll()
        .where('pipeline', '=', pipeline)
        .where('step', '=', step)
        .where('state', 'in', ['succeeded', 'cached'])
        .orderBy('ended', 'desc')
        .limit(limit)
        .execute(),
  }
}

export type RunStore = ReturnType<typeof runStore>
