import { sql } from 'kysely'
import type { Statement } from '../storage/statements.ts'
import type { Db } from '../storage/database.ts'
import { insertRows } from '../storage/insert-rows.ts'
import type { StoredValue } from './run-value.ts'

export type RunValueTables = {
  value_names: { id: number; kind: string; name: string }
  metric_points: { run: number; name: number; step: number; at: number; value: number | null }
  run_metrics: { run: number; name: number; value: number | null; step: number; at: number; origin: number; maker: string | null }
  executions: { id: string; run: string; step: string }
  runs: { id: string; seq: number }
  run_texts: { run: number; name: number; value: string; number: number | null }
}

export type ValueKind = 'metric' | 'param' | 'tag'
export type NamedPoint = { readonly name: string; readonly step: number; readonly at: number; readonly value: StoredValue }
export type StoredPoint = { readonly name: number; readonly step: number; readonly at: number; readonly value: StoredValue }

const OF_SAME_TIME = 'on conflict (run, name, step, at) do update set value = excluded.value'
const IF_LATEST = `on conflict (run, name) do update
  set value = excluded.value, step = excluded.step, at = excluded.at, origin = excluded.origin, maker = excluded.maker
  where (excluded.step, excluded.at) >= (run_metrics.step, run_metrics.at)`
const METRIC = `(select id from value_names where kind = 'metric' and name = ?)`

/** A metric's name, where it is new; as part of a batch. */
export const addMetricName = (name: string): Statement => ({
  text: `insert into value_names (id, kind, name) values ((select coalesce(max(id), 0) + 1 from value_names), 'metric', ?) on conflict (kind, name) do nothing`,
  values: [name],
})

/** One point of a metric whose name is stored, as part of a batch: its place in the history, and the latest value. Many are better written together. */
export const addPoint = (run: number, maker: string, { name, value, step, at }: NamedPoint): Statement[] => [
  {
    text: `insert into metric_points (run, name, step, at, value) values (?, ${METRIC}, ?, ?, ?) ${OF_SAME_TIME}`,
    values: [run, name, step, at, value],
  },
  {
    text: `insert into run_metrics (run, name, value, step, at, origin, maker) values (?, ${METRIC}, ?, ?, ?, ?, ?) ${IF_LATEST}`,
    values: [run, name, value, step, at, run, maker],
  },
]

/** What another run's step (executions.id) measured, for a run whose step takes its result from there; as part of a batch. */
export const takeOverMetrics = (run: number, maker: string, execution: string): Statement => ({
  text: `insert into run_metrics (run, name, value, step, at, origin, maker)
    select ?, m.name, m.value, m.step, m.at, m.origin, ?
    from executions e join runs r on r.id = e.run join run_metrics m on m.run = r.seq and m.maker = e.step
    where e.id = ? on conflict do nothing`,
  values: [run, maker, execution],
})

/** Takes a database or a transaction. Runs are named by runs.seq. */
export function runValuesStore(base: Db) {
  const db = base.withTables<RunValueTables>()
  return {
    /** Numbers of names, made where there are none yet: in a transaction. */
    async nameNumbers(kind: ValueKind, names: readonly string[]): Promise<{ id: number; name: string }[]> {
      const found = await db.selectFrom('value_names').select(['id', 'name']).where('kind', '=', kind).where('name', 'in', names).execute()
      const known = new Set(found.map(({ name }) => name))
      const missing = names.filter((name) => !known.has(name))
      if (missing.length === 0) return found
      const last = await db
        .selectFrom('value_names')
        .select((e) => e.fn.max('id').as('id'))
        .executeTakeFirst()
      const made = missing.map((name, i) => ({ id: (last?.id ?? 0) + 1 + i, kind, name }))
      await db.insertInto('value_names').values(made).execute()
      return [...found, ...made]
    },

    findName: (kind: ValueKind, name: string): Promise<{ id: number } | undefined> =>
      db.selectFrom('value_names').select('id').where('kind', '=', kind).where('name', '=', name).executeTakeFirst(),

    addPoints: (run: number, points: readonly StoredPoint[]): Promise<void> =>
      insertRows(base, {
        into: 'metric_points',
        columns: ['run', 'name', 'step', 'at', 'value'],
        rows: points.map(({ name, step, at, value }) => [run, name, step, at, value]),
        onConflict: OF_SAME_TIME,
      }),

    /** The latest value of each name: the greatest step, and of one step the latest time. An older one changes nothing. */
    setLatest: (run: number, points: readonly StoredPoint[], maker: string | null): Promise<void> =>
      insertRows(base, {
        into: 'run_metrics',
        columns: ['run', 'name', 'value', 'step', 'at', 'origin', 'maker'],
        rows: points.map(({ name, step, at, value }) => [run, name, value, step, at, run, maker]),
        onConflict: IF_LATEST,
      }),

    async setTexts(run: number, texts: readonly { name: number; value: string; number: number | null }[]): Promise<void> {
      if (texts.length === 0) return
      await db
        .insertInto('run_texts')
        .values(texts.map((one) => ({ ...one, run })))
        .onConflict((c) =>
          c.columns(['run', 'name']).doUpdateSet((e) => ({ value: e.ref('excluded.value'), number: e.ref('excluded.number') })),
        )
        .execute()
    },

    texts: (runs: readonly number[]): Promise<{ run: number; kind: string; name: string; value: string }[]> =>
      db
        .selectFrom('run_texts as t')
        .innerJoin('value_names as n', 'n.id', 't.name')
        .select(['t.run', 'n.kind', 'n.name', 't.value'])
        .where('t.run', 'in', runs)
        .execute(),

    latest: (runs: readonly number[]): Promise<{ run: number; name: number; value: StoredValue }[]> =>
      db.selectFrom('run_metrics').select(['run', 'name', 'value']).where('run', 'in', runs).execute(),

    names: (kind: ValueKind): Promise<{ id: number; name: string }[]> =>
      db.selectFrom('value_names').select(['id', 'name']).where('kind', '=', kind).execute(),

    /** The run whose history of a metric is this run's. */
    originOf: (run: number, name: number): Promise<{ origin: number } | undefined> =>
      db.selectFrom('run_metrics').select('origin').where('run', '=', run).where('name', '=', name).executeTakeFirst(),

    history(
      run: number,
      name: number,
      { limit, after }: { limit: number; after?: { step: number; at: number } | undefined },
    ): Promise<{ step: number; at: number; value: StoredValue }[]> {
      let query = db.selectFrom('metric_points').select(['step', 'at', 'value']).where('run', '=', run).where('name', '=', name)
      if (after !== undefined) query = query.where(sql<boolean>`(step, at) > (${after.step}, ${after.at})`)
      return query.orderBy('step').orderBy('at').limit(limit).execute()
    },
  }
}
