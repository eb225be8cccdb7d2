import type { Selectable } from 'kysely'
import type { TriggerDecision } from '../../shared/contract/pipelines.ts'
import type { RunId } from '../../shared/core/ids.ts'
import type { JsonObject } from '../../shared/core/json.ts'
import type { Db } from '../storage/database.ts'
import type { TriggerKind } from './pipeline.ts'
import type { Verdict } from './triggers.ts'

type TriggerTables = {
  triggers: {
    pipeline: string
    kind: string
    enabled: number
    settings: string
    since: number
    last_fired: number | null
    pending: string | null
    last_due: number | null
  }
  runs: { id: string; started: number | null; ended: number | null; dedupe_key: string | null }
  trigger_decisions: {
    pipeline: string
    seq: number
    at: number
    kind: string
    code: string
    fired: number
    why: string
    dedupe_key: string | null
    run: string | null
  }
}

export type Trigger = {
  readonly pipeline: string
  readonly kind: TriggerKind
  readonly enabled: boolean
  readonly settings: JsonObject
  readonly since: number
  readonly lastFired: number | null
  readonly pending: Verdict | null
  /** The moment of its schedule that it has dealt with last. */
  readonly lastDue: number | null
}

const triggerOf = (row: Selectable<TriggerTables['triggers']>): Trigger => ({
  pipeline: row.pipeline,
  kind: row.kind as TriggerKind,
  enabled: row.enabled === 1,
  settings: JSON.parse(row.settings) as JsonObject,
  since: row.since,
  lastFired: row.last_fired,
  pending: row.pending === null ? null : (JSON.parse(row.pending) as Verdict),
  lastDue: row.last_due,
})

export type NewDecision = {
  readonly at: number
  readonly kind: TriggerKind
  readonly code: string
  readonly fired: boolean
  readonly why: string
  readonly dedupeKey: string | null
  readonly run: RunId | null
}

/** Takes a database or a transaction. */
export function triggerStore(base: Db) {
  const db = base.withTables<TriggerTables>()
  return {
    /** Adds what a definition says; what somebody has set since then stays. */
    async define(pipeline: string, kind: TriggerKind, trigger: { enabled: boolean; settings: JsonObject; since: number }): Promise<void> {
      await db
        .insertInto('triggers')
        .values({
          pipeline,
          kind,
          enabled: trigger.enabled ? 1 : 0,
          settings: JSON.stringify(trigger.settings),
          since: trigger.since,
          last_fired: null,
          pending: null,
          last_due: null,
        })
        .onConflict((c) => c.doNothing())
        .execute()
    },

    async set(pipeline: string, kind: TriggerKind, trigger: { enabled: boolean; settings: JsonObject; since: number }): Promise<Trigger> {
      const change = { enabled: trigger.enabled ? 1 : 0, settings: JSON.stringify(trigger.settings), since: trigger.since }
      const row = await db
        .insertInto('triggers')
        .values({ pipeline, kind, ...change, last_fired: null, pending: null, last_due: null })
        .onConflict((c) => c.columns(['pipeline', 'kind']).doUpdateSet(change))
        .returningAll()
        .executeTakeFirstOrThrow()
      return triggerOf(row)
    },

    async list(pipeline?: string): Promise<Trigger[]> {
      let query = db.selectFrom('triggers').selectAll().orderBy('pipeline').orderBy('kind')
      if (pipeline !== undefined) query = query.where('pipeline', '=', pipeline)
      return (await query.execute()).map(triggerOf)
    },

    async get(pipeline: string, kind: TriggerKind): Promise<Trigger | undefined> {
      const row = await db.selectFrom('triggers').selectAll().where('pipeline', '=', pipeline).where('kind', '=', kind).executeTakeFirst()
      return row && triggerOf(row)
    },

    async setPending(pipeline: string, kind: TriggerKind, pending: Verdict | null): Promise<void> {
      await db
        .updateTable('triggers')
        .set({ pending: pending && JSON.stringify(pending) })
        .where('pipeline', '=', pipeline)
        .where('kind', '=', kind)
        .execute()
    },

    async setFired(pipeline: string, kind: TriggerKind, fired: { at?: number; due?: number | undefined }): Promise<void> {
      const change = {
        ...(fired.at === undefined ? {} : { last_fired: fired.at }),
        ...(fired.due === undefined ? {} : { last_due: fired.due }),
      }
      if (Object.keys(change).length === 0) return
      await db.updateTable('triggers').set(change).where('pipeline', '=', pipeline).where('kind', '=', kind).execute()
    },

    /** What a trigger has started since a time: runs, and the minutes they have taken so far. */
    async spent(pipeline: string, kind: TriggerKind, since: number, now: number): Promise<{ runs: number; minutes: number }> {
      const rows = await db
        .selectFrom('trigger_decisions as d')
        .innerJoin('runs as r', 'r.id', 'd.run')
        .select(['r.started', 'r.ended'])
        .where('d.pipeline', '=', pipeline)
        .where('d.kind', '=', kind)
        .where('d.fired', '=', 1)
        .where('d.at', '>', since)
        .execute()
      const ms = rows.reduce((sum, { started, ended }) => sum + (started === null ? 0 : (ended ?? now) - started), 0)
      return { runs: rows.length, minutes: ms / 60_000 }
    },

    keyUsed: async (dedupeKey: string): Promise<string | undefined> =>
      (await db.selectFrom('runs').select('id').where('dedupe_key', '=', dedupeKey).executeTakeFirst())?.id,

    /** Keeps a decision. One that repeats the last of its kind without firing takes that one's place, so that waiting does not fill the table. */
    async decide(pipeline: string, decision: NewDecision): Promise<void> {
      const last = await db
        .selectFrom('trigger_decisions')
        .selectAll()
        .where('pipeline', '=', pipeline)
        .where('kind', '=', decision.kind)
        .orderBy('seq', 'desc')
        .limit(1)
        .executeTakeFirst()
      if (last !== undefined && !decision.fired && last.fired === 0 && last.code === decision.code) {
        await db
          .updateTable('trigger_decisions')
          .set({ at: decision.at, why: decision.why })
          .where('pipeline', '=', pipeline)
          .where('seq', '=', last.seq)
          .execute()
        return
      }
      const newest = await db
        .selectFrom('trigger_decisions')
        .select((e) => e.fn.max('seq').as('seq'))
        .where('pipeline', '=', pipeline)
        .executeTakeFirst()
      const { at, kind, code, fired, why, dedupeKey, run } = decision
      await db
        .insertInto('trigger_decisions')
        .values({
          pipeline,
          seq: (newest?.seq ?? 0) + 1,
          at,
          kind,
          code,
          fired: fired ? 1 : 0,
          why: why.slice(0, 2000),
          dedupe_key: dedupeKey,
          run,
        })
        .execute()
    },

    async decisions(
      pipeline: string,
      options: { limit: number; before?: number | undefined; kind?: TriggerKind | undefined },
    ): Promise<(TriggerDecision & { seq: number })[]> {
      let query = db
        .selectFrom('trigger_decisions')
        .selectAll()
        .where('pipeline', '=', pipeline)
        .orderBy('seq', 'desc')
        .limit(options.limit)
      if (options.before !== undefined) query = query.where('seq', '<', options.before)
      if (options.kind !== undefined) query = query.where('kind', '=', options.kind)
      const rows = await query.execute()
      return rows.map((row) => ({
        seq: row.seq,
        at: row.at,
        kind: row.kind as TriggerKind,
        code: row.code,
        fired: row.fired === 1,
        why: row.why,
        dedupeKey: row.dedupe_key,
        run: row.run as RunId | null,
      }))
    },
  }
}
