import type { CategoricalStatistics, DatasetStatistics, FeatureStatistics } from '../../shared/data/dataset-statistics.ts'
import { labelAssociation } from '../../shared/data/label-association.ts'
import { numericStatistics } from '../../shared/data/numeric-statistics.ts'
import type { FeatureType } from '../../shared/data/schema.ts'
import { commonType } from '../../shared/data/statistics.ts'
import type { Duck, DuckLane } from '../datasets/duckdb.ts'
import { countedColumn, type PlannedCount } from './counted-column.ts'
import type { TableColumn } from './open-table.ts'
import {
  type ColumnFacts,
  columnFacts,
  countedValues,
  countsOf,
  type CountedColumn,
  distinctOf,
  listFacts,
  oddNumbers,
  type Rows,
  sampleOf,
  unnested,
} from './table-statistics-store.ts'

export type TableStatisticsOptions = {
  readonly label?: string
  /** Columns done so far, of all. */
  readonly onProgress?: (done: number, total: number) => void
  /** Most frequent values of each column that are kept. Default 1,000. */
  readonly top?: number
}

/** Rows for quantiles, histograms and association with the label, as the row by row statistics keep. */
const SAMPLE_ROWS = 10_000
/** Estimated distinct values up to which each is counted; the estimate is off by some percent. */
const COUNTED_DISTINCT = 12_000
/** Characters of a text that count, as where rows are read one by one. */
const MAX_TEXT = 256
/** Values that one scan goes over: many columns where rows are few, so that progress shows and memory is bounded. */
const SCANNED_VALUES = 25_000_000
const MOST_COLUMNS = 256

type Sampled = (number | string | null)[]

/**
 * Statistics of columns of a Parquet file, counted by DuckDB: the same as reading row by row gives (`startStatistics`), some ten times faster. Exact but for what is
 * sampled or estimated there too. Two lanes work at once; with a database of one thread each figure is the same each time.
 */
export async function tableStatistics(
  duck: Duck,
  rows: Rows,
  columns: readonly TableColumn[],
  options: TableStatisticsOptions = {},
): Promise<DatasetStatistics> {
  const { label, onProgress = () => {}, top = 1000 } = options
  const planned = columns.map(countedColumn)
  const labels = planned.find((column) => column.name === label && column.list === null)
  const labelSample = labels && (await sampleOf(duck, [labels], rows, SAMPLE_ROWS))[0]
  const found = new Map<string, FeatureStatistics>()
  const waiting = groupsOf(planned, rows.rows)
  let done = 0
  const work = async (lane: DuckLane): Promise<void> => {
    for (;;) {
      const group = waiting.shift()
      if (group === undefined) return
      for (const feature of await groupStatistics(lane, group, rows, top, (name, sample) =>
        labelSample === undefined || name === label ? undefined : (labelAssociation(sample, labelSample) ?? undefined),
      ))
        found.set(feature.name, feature)
      done += group.length
      onProgress(done, planned.length)
    }
  }
  const lanes = waiting.length > 1 ? [duck, await duck.lane()] : [duck]
  // the other lane ends too before its database may be closed
  const ends = await Promise.allSettled(lanes.map(work))
  for (const end of ends) if (end.status === 'rejected') throw end.reason
  return { examples: rows.rows, features: columns.flatMap(({ name }) => found.get(name) ?? []) }
}

/** Columns of lists stand alone: their values are rows of their own. */
function groupsOf(planned: readonly PlannedCount[], rows: number): PlannedCount[][] {
  const singles = planned.filter(({ list }) => list === null)
  const half = Math.ceil(singles.length / 2)
  const size = Math.max(
    1,
    Math.min(MOST_COLUMNS, Math.max(4, Math.floor(SCANNED_VALUES / Math.max(1, rows))), rows < 100_000 ? singles.length : half),
  )
  const groups = planned.filter(({ list }) => list !== null).map((column) => [column])
  for (let at = 0; at < singles.length; at += size) groups.push(singles.slice(at, at + size))
  return groups
}

async function groupStatistics(
  lane: DuckLane,
  group: readonly PlannedCount[],
  rows: Rows,
  top: number,
  associate: (name: string, sample: Sampled) => number | undefined,
): Promise<FeatureStatistics[]> {
  const [first] = group
  if (first && first.list !== null) return [await listStatistics(lane, first, first.list, rows, top)]
  const facts = await columnFacts(lane, group, rows)
  const sample = await sampleOf(lane, group, rows, SAMPLE_ROWS)
  const features: FeatureStatistics[] = []
  for (const [at, column] of group.entries()) {
    const kept = sample[at] ?? []
    const values = await valueStatistics(lane, column, facts[at] as ColumnFacts, kept, rows, top)
    const { present } = facts[at] as ColumnFacts
    const association = associate(column.name, kept)
    features.push({
      name: column.name,
      ...values,
      count: present,
      missing: rows.rows - present,
      ...(association === undefined ? {} : { labelAssociation: association }),
    })
  }
  return features
}

async function listStatistics(lane: DuckLane, column: PlannedCount, list: string, rows: Rows, top: number): Promise<FeatureStatistics> {
  const { count, min, max, total } = await listFacts(lane, list, rows)
  const inside = unnested(list, rows, total)
  const [facts] = await columnFacts(lane, [column], inside)
  const [sample = []] = await sampleOf(lane, [column], inside, SAMPLE_ROWS)
  const values = await valueStatistics(lane, column, facts as ColumnFacts, sample, inside, top)
  const lists = count === 0 ? {} : { lists: { min, max, mean: total / count } }
  return { name: column.name, ...values, count, missing: rows.rows - count, ...lists }
}

type Values = Pick<FeatureStatistics, 'type' | 'types' | 'numeric' | 'categorical'>

async function valueStatistics(
  lane: DuckLane,
  column: CountedColumn,
  facts: ColumnFacts,
  sample: Sampled,
  rows: Rows,
  top: number,
): Promise<Values> {
  const { kind } = column
  const { present, finite, whole } = facts
  const types = new Map<FeatureType, number>()
  const see = (type: FeatureType, count: number) => count > 0 && types.set(type, count)
  if (kind === 'float') {
    see('int', whole)
    see('float', present - whole)
  } else see(kind === 'text' ? 'string' : kind, present)
  const type = commonType(types)
  const numbers = kind === 'text' || kind === 'bytes' ? undefined : sample.filter((value): value is number => typeof value === 'number')
  const odd = numbers && finite < present ? await oddNumbers(lane, column, rows) : { nan: 0, posInf: 0, negInf: 0 }
  const { min, max, mean, deviation, zeros } = facts
  const numeric = numbers && numericStatistics({ n: finite, mean, deviation, min, max, zeros, ...odd }, numbers)
  const counted = present > 0 && (type === 'int' || type === 'string')
  const categorical = counted ? await categoricalStatistics(lane, column, facts, sample, rows, top) : undefined
  return {
    type,
    types: Object.fromEntries(types),
    ...(numeric === undefined ? {} : { numeric }),
    ...(categorical === undefined ? {} : { categorical }),
  }
}

/** Every value is counted where there are few; else those that come back in the sample. */
async function categoricalStatistics(
  lane: DuckLane,
  column: CountedColumn,
  facts: ColumnFacts,
  sample: Sampled,
  rows: Rows,
  top: number,
): Promise<CategoricalStatistics> {
  const cut = facts.bytes > MAX_TEXT ? { ...column, sql: `left(${column.sql}, ${MAX_TEXT})` } : column
  const distinct = column.kind === 'float' ? await distinctOf(lane, column, rows) : facts.distinct
  if (distinct <= COUNTED_DISTINCT) return { exact: true, ...(await countedValues(lane, cut, rows, top)) }
  const counts = new Map<string, number>()
  let length = 0
  let n = 0
  for (const value of sample) {
    if (value === null) continue
    const text = String(value).slice(0, MAX_TEXT)
    counts.set(text, (counts.get(text) ?? 0) + 1)
    length += text.length
    n++
  }
  const frequent = [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
  const returning = frequent.filter(([, count]) => count > 1).slice(0, top)
  // where none comes back, some show what the values are like
  const chosen = (returning.length === 0 ? frequent.slice(0, 10) : returning).map(([value]) => value)
  return {
    unique: Math.min(facts.present, Math.max(distinct, counts.size)),
    exact: false,
    top: await countsOf(lane, cut, rows, chosen),
    meanLength: n === 0 ? 0 : length / n,
  }
}
