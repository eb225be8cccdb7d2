import { type RawBuilder, sql } from 'kysely'
import { must } from '../../shared/core/assert.ts'
import type { Db } from '../storage/database.ts'
import type { Attribute, Comparison, Condition } from './run-filter.ts'
import { type ConditionSize, planConditions } from './run-search-plan.ts'

/** Where a page begins: after a run with this value of the metric that orders, or after one that has none. */
export type SearchAfter = { readonly value: number | null; readonly run: number }
export type SearchOrder = { readonly name: number; readonly descending: boolean } | { readonly descending: boolean }
/** A condition whose name has its number; undefined where no run has such a name. */
export type ResolvedCondition = Condition & { readonly name: number | undefined }

const COLUMNS = {
  state: 'state',
  pipeline: 'pipeline',
  id: 'id',
  created: 'created',
  started: 'started',
  ended: 'ended',
} as const satisfies Record<Attribute, string>

function compared(column: RawBuilder<unknown>, compare: Comparison, values: readonly (string | number)[]): RawBuilder<unknown> {
  if (compare === 'in') return sql`${column} in (${sql.join(values)})`
  const value = must(values[0], 'the value of a comparison')
  // the case of letters does not matter, on every database
  if (compare === 'like') return sql`lower(${column}) like lower(${value})`
  return sql`${column} ${sql.raw(compare === '!=' ? '<>' : compare)} ${value}`
}

/** More runs that fulfil a condition are not counted: half of all are taken to. */
const MAX_COUNTED = 4000
/** What text patterns are taken to let through: to count it is to read all. */
const LIKE_SHARE = 0.01

/**
 * The runs that fulfil a condition, over an index that covers it. `alone` is for one run at a time: a + keeps the index over values from being walked for what the key
 * finds at once.
 */
function matching(
  { field, compare, values, name }: ResolvedCondition,
  { alone }: { alone: boolean },
): { readonly run: RawBuilder<unknown>; readonly from: RawBuilder<unknown> } {
  const number = (column: string) => (alone ? sql`+${sql.ref(column)}` : sql.ref(column))
  if (field.kind === 'attribute')
    return { run: sql.ref('c.seq'), from: sql`runs c where ${compared(sql.ref(`c.${COLUMNS[field.name]}`), compare, values)}` }
  if (name === undefined) return { run: sql.ref('c.seq'), from: sql`runs c where 1 = 0` }
  const run = sql.ref('c.run')
  if (field.kind === 'metric')
    return { run, from: sql`run_metrics c where c.name = ${name} and ${compared(number('c.value'), compare, values)}` }
  const numeric = values.every((value) => typeof value === 'number')
  const column = numeric ? number('c.number') : sql.ref('c.value')
  return { run, from: sql`run_texts c where c.name = ${name} and ${compared(column, compare, numeric ? values : values.map(String))}` }
}

type Found = { readonly run: number; readonly value: number | null }

export function runSearchStore(base: Db) {
  async function sizeOf(condition: ResolvedCondition, runs: number): Promise<ConditionSize> {
    if (condition.compare === 'like') return { runs: runs * LIKE_SHARE, read: runs }
    const { from } = matching(condition, { alone: false })
    const query = sql<{ n: number }>`select count(*) as n from (select 1 from ${from} limit ${MAX_COUNTED}) as counted`
    const n = (await query.execute(base)).rows[0]?.n ?? 0
    const size = n < MAX_COUNTED ? n : Math.max(n, runs / 2)
    return { runs: size, read: size }
  }

  /** What a search asks of a run besides its order. */
  async function tests(conditions: readonly ResolvedCondition[], run: RawBuilder<unknown>, limit: number): Promise<RawBuilder<unknown>> {
    if (conditions.length === 0) return sql``
    const { rows } = await sql<{ runs: number | null }>`select max(seq) as runs from runs`.execute(base)
    const runs = rows[0]?.runs ?? 0
    const sizes: ConditionSize[] = []
    for (const condition of conditions) sizes.push(await sizeOf(condition, runs))
    const planned = planConditions(sizes, { runs, limit }).map(({ at, as }) => {
      const { run: its, from } = matching(must(conditions[at], 'a planned condition'), { alone: as === 'look' })
      // not `exists`, which SQLite may turn into a join that begins with it
      return as === 'look'
        ? sql`and (select 1 from ${from} and ${its} = ${run}) is not null`
        : sql`and ${run} in (select ${its} from ${from})`
    })
    return sql.join(planned, sql` `)
  }

  const direction = (descending: boolean) => sql.raw(descending ? 'desc' : 'asc')
  const beyond = (descending: boolean) => sql.raw(descending ? '<' : '>')

  async function byMetric(
    conditions: readonly ResolvedCondition[],
    { name, descending }: { name: number; descending: boolean },
    after: SearchAfter | undefined,
    limit: number,
  ): Promise<Found[]> {
    const from = after === undefined ? sql`` : sql`and (o.value, o.run) ${beyond(descending)} (${after.value}, ${after.run})`
    // +run: the order's index leads, the conditions are looked up beside it
    const query = sql<Found>`select o.run as run, o.value as value from run_metrics o where o.name = ${name} and o.value is not null ${from}
      ${await tests(conditions, sql`+o.run`, limit)} order by o.value ${direction(descending)}, o.run ${direction(descending)} limit ${limit}`
    return (await query.execute(base)).rows
  }

  async function byAge(
    conditions: readonly ResolvedCondition[],
    descending: boolean,
    { without, after, limit }: { without?: number; after: number | undefined; limit: number },
  ): Promise<Found[]> {
    const from = after === undefined ? sql`` : sql`and r.seq ${beyond(descending)} ${after}`
    const lacking =
      without === undefined ? sql`` : sql`and +r.seq not in (select run from run_metrics where name = ${without} and value is not null)`
    const query = sql<Found>`select r.seq as run, null as value from runs r where 1 = 1 ${from} ${lacking}
      ${await tests(conditions, sql`+r.seq`, limit)} order by r.seq ${direction(descending)} limit ${limit}`
    return (await query.execute(base)).rows
  }

  return {
    /** Runs by seq, in order. Those without the metric that orders come last, newest first. */
    async search(
      conditions: readonly ResolvedCondition[],
      order: SearchOrder,
      after: SearchAfter | undefined,
      limit: number,
    ): Promise<Found[]> {
      if (!('name' in order)) return byAge(conditions, order.descending, { after: after?.run, limit })
      const valued = after === undefined || after.value !== null
      const first = valued ? await byMetric(conditions, order, after, limit) : []
      if (first.length === limit) return first
      const rest = { without: order.name, after: valued ? undefined : after.run, limit: limit - first.length }
      return [...first, ...(await byAge(conditions, true, rest))]
    },
  }
}
