import { type RawBuilder, sql } from 'kysely'
import { must } from '../../shared/core/assert.ts'
import type { Db } from '../storage/database.ts'
import type { Attribute, Comparison, Condition } from './run-filter.ts'

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

/** The runs that fulfil a condition, as a subquery over an index that covers it: read once, whatever the order of the search. */
function runsOf({ field, compare, values, name }: ResolvedCondition): RawBuilder<unknown> {
  if (field.kind === 'attribute') return sql`(select seq from runs where ${compared(sql.ref(COLUMNS[field.name]), compare, values)})`
  if (name === undefined) return sql`(select seq from runs where 1 = 0)`
  if (field.kind === 'metric')
    return sql`(select run from run_metrics where name = ${name} and ${compared(sql.ref('value'), compare, values)})`
  const numeric = values.every((value) => typeof value === 'number')
  const column = numeric ? sql.ref('number') : sql.ref('value')
  return sql`(select run from run_texts where name = ${name} and ${compared(column, compare, numeric ? values : values.map(String))})`
}

type Found = { readonly run: number; readonly value: number | null }

export function runSearchStore(base: Db) {
  const all = (conditions: readonly ResolvedCondition[], run: RawBuilder<unknown>): RawBuilder<unknown> =>
    sql.join(
      conditions.map((condition) => sql`and ${run} in ${runsOf(condition)}`),
      sql` `,
    )

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
      ${all(conditions, sql`+o.run`)} order by o.value ${direction(descending)}, o.run ${direction(descending)} limit ${limit}`
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
      ${all(conditions, sql`+r.seq`)} order by r.seq ${direction(descending)} limit ${limit}`
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
