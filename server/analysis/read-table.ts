import type { Column, ListColumn, Scalar } from '../../shared/data/columns.ts'
import { batchLength, isImageColumn } from '../../shared/data/columns.ts'
import { literal } from '../datasets/duckdb.ts'
import { readBatches } from '../pipeline/data/parquet-batches.ts'
import { jsonValue, type MixedTypes, NUMBER_PATTERN, numberOrText } from './mixed-types.ts'
import { countedColumn } from './counted-column.ts'
import type { ColumnKind } from './table-statistics-store.ts'
import { type Table, type TableColumn, unreadable } from './open-table.ts'

/** A column with how it is read. */
export type PlannedColumn = TableColumn & {
  readonly sql: string
  /** What a value is, where the column's values are of several types. */
  readonly typed?: (value: Scalar) => Scalar
  /** Whether such values count as what they are; otherwise all are text, as the column's type says. */
  readonly asTyped?: boolean
  /** Kind of the values, where each row has a list of them. */
  readonly listed?: ColumnKind
  /** Side of a square grey image, where every row holds one as bytes. */
  readonly side?: number
}

const GROUP = 256
/** Characters of a text that count: what is the same so far counts as the same. Bounds the memory that distinct values take. */
const MAX_TEXT = 256
/** Smaller ones are rather hashes or keys. */
const MIN_SIDE = 8

/** Cut so that each part fits into memory; the label is read with each, as features are held against it. */
export function columnGroups(columns: readonly PlannedColumn[], label: PlannedColumn | undefined): PlannedColumn[][] {
  const groups: PlannedColumn[][] = []
  for (let at = 0; at < columns.length; at += GROUP) {
    const part = columns.slice(at, at + GROUP)
    groups.push(label === undefined || part.includes(label) ? part : [label, ...part])
  }
  return groups
}

/**
 * Chooses for each column how it is read; text that is mostly numbers and bytes that are images show in the values only. `numeric` names the features that a
 * schema wants to be numbers.
 */
export async function planColumns(table: Table, numeric: ReadonlySet<string>): Promise<PlannedColumn[]> {
  const facts = await columnFacts(table)
  return table.columns.map((column): PlannedColumn => {
    const { id, type } = column
    const asTyped = numeric.has(column.name)
    if (type === 'JSON') return { ...column, sql: `${id}::VARCHAR`, typed: jsonValue, asTyped }
    if (facts.get(id)?.mixed) return { ...column, sql: `left(${id}, ${MAX_TEXT})`, typed: numberOrText, asTyped }
    const side = facts.get(id)?.side
    if (side !== undefined) return { ...column, sql: id, side }
    const { kind, sql, list } = countedColumn(column)
    if (list !== null) return { ...column, sql: `to_json(list_transform(${list}, lambda v: (${sql})::VARCHAR))::VARCHAR`, listed: kind }
    if (kind === 'text') return { ...column, sql: `left(${sql}, ${MAX_TEXT})` }
    return { ...column, sql: kind === 'time' ? `CASE WHEN isfinite(${id}) THEN ${id} END` : sql }
  })
}

/** Whether a column's values have to be looked at one by one: DuckDB does not see what they are. */
export const isLookedAt = ({ typed, side }: PlannedColumn): boolean => typed !== undefined || side !== undefined

/** A list's values, which came as texts. */
function listedValues(text: Scalar, kind: ColumnKind): readonly Scalar[] | null {
  if (typeof text !== 'string') return null
  const values = JSON.parse(text) as (string | null)[]
  if (kind === 'text' || kind === 'bytes') return values
  const numbers = values.map((value) => (value === null ? null : Number(value.replace('inf', 'Infinity'))))
  return kind === 'time' ? numbers.map((at) => (at === null ? null : new Date(at))) : numbers
}

/** A table of some 50,000 rows, wherever they stand. */
const someRows = (path: string, rows: number): string =>
  `(SELECT * FROM read_parquet(${literal(path)}, file_row_number = true) WHERE hash(file_row_number) % ${Math.max(1, Math.floor(rows / 50_000))} = 0)`

type Facts = { readonly mixed?: boolean; readonly side?: number }

async function columnFacts({ duck, from, path, rows, file, columns, format }: Table): Promise<Map<string, Facts>> {
  const facts = new Map<string, Facts>()
  const texts = columns.filter(({ type }) => type === 'VARCHAR' && format === 'csv')
  const asked = [...columns.filter(({ type }) => type === 'BLOB'), ...texts]
  for (let at = 0; at < asked.length; at += GROUP) {
    const group = asked.slice(at, at + GROUP)
    // more than half of many show in some of them; sizes of bytes have to be looked at one by one
    const some = group.every(({ type }) => type === 'VARCHAR') ? someRows(path, rows) : from
    const items = group.flatMap(({ id, type }, index) =>
      type === 'BLOB'
        ? [
            `min(octet_length(${id}))::DOUBLE AS a${index}`,
            `max(octet_length(${id}))::DOUBLE AS b${index}`,
            `(count(*) - count(${id}))::DOUBLE AS m${index}`,
          ]
        : [`count(${id})::DOUBLE AS a${index}`, `count(*) FILTER (regexp_full_match(${id}, '${NUMBER_PATTERN}'))::DOUBLE AS b${index}`],
    )
    const [row] = await duck.rows(`SELECT ${items.join(', ')} FROM ${some}`).catch((thrown: unknown) => {
      throw unreadable(file, thrown)
    })
    for (const [index, { id, type }] of group.entries()) {
      const [a, b] = [Number(row?.[`a${index}`]), Number(row?.[`b${index}`])]
      const side = Math.sqrt(a)
      if (type === 'VARCHAR') facts.set(id, { mixed: a > 0 && b * 2 > a })
      else if (a === b && Number.isInteger(side) && side >= MIN_SIDE && row?.[`m${index}`] === 0) facts.set(id, { side })
    }
  }
  return facts
}

const isNumber = (value: Scalar): boolean => typeof value === 'number'

/** The rows of some columns, batch by batch, in the file's order, under the file's names. */
export async function* readTable(
  { duck, from, file }: Table,
  columns: readonly PlannedColumn[],
  mixedTypes: MixedTypes,
): AsyncGenerator<{ batch: Readonly<Record<string, Column | ListColumn>>; length: number }> {
  const at = columns.findIndex((column) => column.side !== undefined)
  const side = columns[at]?.side
  const form = side === undefined ? undefined : ({ kind: 'image', column: `f${at}`, height: side, width: side, channels: 1 } as const)
  const batches = readBatches(
    duck,
    `SELECT ${columns.map(({ sql }, index) => `${sql} AS f${index}`).join(', ')} FROM ${from}`,
    form as never,
  )
  let rows = 0
  for (;;) {
    const next = await batches.next().catch((thrown: unknown) => {
      throw unreadable(file, thrown)
    })
    if (next.done === true) return
    const length = batchLength(next.value)
    const named = columns.map(({ name, typed, asTyped, listed }, index): [string, Column | ListColumn] => {
      const column = next.value[`f${index}`] ?? []
      if (listed !== undefined && !isImageColumn(column))
        return [name, { kind: 'lists', lists: Array.from(column as readonly Scalar[], (text) => listedValues(text, listed)) }]
      if (typed === undefined || isImageColumn(column)) return [name, column]
      const values = Array.from(column as readonly Scalar[], typed)
      for (const [offset, value] of values.entries()) mixedTypes.see(name, value, rows + offset + 1)
      return [
        name,
        asTyped === true ? values : values.map((value, offset) => (isNumber(value) ? (column as readonly Scalar[])[offset] : value)),
      ]
    })
    rows += length
    yield { batch: Object.fromEntries(named), length }
  }
}
