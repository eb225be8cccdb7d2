import type { FoundRun, LogBatch, MetricPoint } from '../../shared/contract/tracking.ts'
import { must } from '../../shared/core/assert.ts'
import { AppError } from '../../shared/core/errors.ts'
import type { RunId } from '../../shared/core/ids.ts'
import { type RunRow, runStore, runSummaryOf } from '../pipeline/run-store.ts'
import type { Db } from '../storage/database.ts'
import { parseFilter, parseOrder } from './run-filter.ts'
import { runSearchStore, type SearchAfter, type SearchOrder } from './run-search-store.ts'
import { numberOf, shownOf, storedOf } from './run-value.ts'
import { runValuesStore, type StoredPoint, type ValueKind } from './run-values-store.ts'

export type TrackingOptions = { readonly db: Db }

type Page<T> = { items: T[]; next: string | null }
type PageQuery = { readonly limit: number; readonly cursor?: string | undefined }

export type Tracking = {
  log(run: RunId, batch: LogBatch): Promise<void>
  values(run: RunId): Promise<FoundRun>
  metric(run: RunId, name: string, page: PageQuery): Promise<Page<{ step: number; at: number; value: MetricPoint['value'] }>>
  search(query: PageQuery & { filter?: string | undefined; order?: string | undefined }): Promise<Page<FoundRun>>
}

export function createTracking({ db }: TrackingOptions): Tracking {
  const store = runValuesStore(db)
  const names = nameBook(db)

  const rowOf = async (id: RunId): Promise<RunRow> => {
    const row = await runStore(db).get(id)
    if (row === undefined) throw new AppError('unknown_run', `there is no run ${id}`)
    return row
  }

  async function found(rows: readonly RunRow[]): Promise<FoundRun[]> {
    if (rows.length === 0) return []
    const seqs = rows.map(({ seq }) => seq)
    const results = new Map(rows.map((row) => [row.seq, { run: runSummaryOf(row), metrics: {}, params: {}, tags: {} } as FoundRun]))
    const latest = await store.latest(seqs)
    const nameOf = await names.metricNames(latest.map(({ name }) => name))
    for (const { run, name, value } of latest) {
      const result = results.get(run)
      if (result !== undefined) result.metrics[nameOf.get(name) ?? String(name)] = shownOf(value)
    }
    for (const { run, kind, name, value } of await store.texts(seqs)) {
      const result = results.get(run)
      if (result !== undefined) (kind === 'param' ? result.params : result.tags)[name] = value
    }
    return seqs.flatMap((seq) => results.get(seq) ?? [])
  }

  return {
    async log(id, { metrics, params, tags }) {
      const { seq } = await rowOf(id)
      const numbers = await names.numbers('metric', new Set(metrics.map(({ name }) => name)))
      const points = metrics.map(({ name, value, step, at }) => ({
        name: must(numbers.get(name), 'the number of a name'),
        value: storedOf(value),
        step,
        at,
      }))
      await db.transaction().execute(async (tx) => {
        const inside = runValuesStore(tx)
        await logTexts(tx, seq, 'param', params)
        await logTexts(tx, seq, 'tag', tags)
        await inside.addPoints(seq, points)
        await inside.setLatest(seq, latestOf(points), null)
      })
    },

    async values(id) {
      const [result] = await found([await rowOf(id)])
      if (result === undefined) throw new AppError('unknown_run', `there is no run ${id}`)
      return result
    },

    async metric(id, metric, { limit, cursor }) {
      const { seq } = await rowOf(id)
      const name = await store.findName('metric', metric)
      if (name === undefined) return { items: [], next: null }
      const after = cursor === undefined ? undefined : pointCursor(cursor)
      const { origin = seq } = (await store.originOf(seq, name.id)) ?? {}
      const points = await store.history(origin, name.id, { limit, after })
      const last = points.at(-1)
      return {
        items: points.map(({ step, at, value }) => ({ step, at, value: shownOf(value) })),
        next: points.length < limit || last === undefined ? null : `${last.step}:${last.at}`,
      }
    },

    async search({ filter = '', order: orderText = 'attributes.created desc', limit, cursor }) {
      const { field, descending } = parseOrder(orderText)
      const parsed = parseFilter(filter)
      const after = cursor === undefined ? undefined : searchCursor(cursor)
      const conditions = await Promise.all(
        parsed.map(async (condition) => ({
          ...condition,
          name: condition.field.kind === 'attribute' ? undefined : (await store.findName(condition.field.kind, condition.field.name))?.id,
        })),
      )
      const name = field.kind === 'metric' ? ((await store.findName('metric', field.name))?.id ?? -1) : undefined
      const order: SearchOrder = name === undefined ? { descending } : { name, descending }
      const hits = await runSearchStore(db).search(conditions, order, after, limit)
      const rows = new Map((await runStore(db).bySeq(hits.map(({ run }) => run))).map((row) => [row.seq, row]))
      const last = hits.at(-1)
      return {
        items: await found(hits.flatMap(({ run }) => rows.get(run) ?? [])),
        next: hits.length < limit || last === undefined ? null : `${last.value ?? ''}:${last.run}`,
      }
    },
  }
}

/** Adds texts to a run; a parameter that has another value already is a conflict. */
export async function logTexts(
  tx: Db,
  run: number,
  kind: Exclude<ValueKind, 'metric'>,
  texts: Readonly<Record<string, string>>,
): Promise<void> {
  const names = Object.keys(texts)
  if (names.length === 0) return
  const store = runValuesStore(tx)
  if (kind === 'param') {
    const known = (await store.texts([run])).filter((one) => one.kind === 'param')
    const changed = known.filter(({ name, value }) => Object.hasOwn(texts, name) && texts[name] !== value)
    if (changed.length > 0)
      throw new AppError(
        'conflict',
        `parameter ${changed.map(({ name, value }) => `${name} is ${value.slice(0, 100)}`).join(', ')} already: it keeps its value, use a tag for what changes`,
        {
          issues: changed.map(({ name }) => ({ where: `body.params.${name}`, what: 'has another value already' })),
        },
      )
  }
  const numbers = new Map((await store.nameNumbers(kind, names)).map(({ id, name }) => [name, id]))
  await store.setTexts(
    run,
    names.flatMap((name) => {
      const [number, value] = [numbers.get(name), texts[name] ?? '']
      return number === undefined ? [] : [{ name: number, value, number: numberOf(value) }]
    }),
  )
}

/** Of each name, the point with the greatest step, and of one step the latest. */
export function latestOf(points: readonly StoredPoint[]): StoredPoint[] {
  const latest = new Map<number, StoredPoint>()
  for (const point of points) {
    const known = latest.get(point.name)
    if (known === undefined || point.step > known.step || (point.step === known.step && point.at >= known.at)) latest.set(point.name, point)
  }
  return [...latest.values()]
}

/** Names and their numbers never change once they are stored, so they are kept at hand. */
export function nameBook(db: Db) {
  const known: Record<ValueKind, Map<string, number>> = { metric: new Map(), param: new Map(), tag: new Map() }
  const metrics = new Map<number, string>()
  const store = runValuesStore(db)
  return {
    async numbers(kind: ValueKind, names: ReadonlySet<string>): Promise<ReadonlyMap<string, number>> {
      const numbers = known[kind]
      const missing = [...names].filter((name) => !numbers.has(name))
      if (missing.length > 0) {
        const made = await db.transaction().execute((tx) => runValuesStore(tx).nameNumbers(kind, missing))
        for (const { id, name } of made) numbers.set(name, id)
      }
      return numbers
    },
    async metricNames(ids: readonly number[]): Promise<ReadonlyMap<number, string>> {
      if (ids.some((id) => !metrics.has(id))) for (const { id, name } of await store.names('metric')) metrics.set(id, name)
      return metrics
    },
  }
}

const badCursor = (): AppError => new AppError('invalid_input', 'the cursor is not one that a page gave as `next`')

function pointCursor(text: string): { step: number; at: number } {
  const [, step, at] = /^(-?\d{1,15}):(\d{1,15})$/.exec(text) ?? []
  if (step === undefined || at === undefined) throw badCursor()
  return { step: Number(step), at: Number(at) }
}

function searchCursor(text: string): SearchAfter {
  const [, value, run] = /^(-?(?:\d[\d.]*(?:e[-+]?\d+)?|Infinity))?:(\d{1,15})$/.exec(text) ?? []
  if (run === undefined || (value !== undefined && Number.isNaN(Number(value)))) throw badCursor()
  return { value: value === undefined ? null : Number(value), run: Number(run) }
}
