import type { Batch, Column, Scalar } from '../../shared/data/columns.ts'
import { batchLength, isImageColumn } from '../../shared/data/columns.ts'
import { readBatches } from '../pipeline/data/parquet-batches.ts'
import { jsonValue, type MixedTypes, NUMBER_PATTERN, numberOrText } from './mixed-types.ts'
import { type Table, type TableColumn, unreadable } from './open-table.ts'

/** A column with how it is read. */
export type PlannedColumn = TableColumn & {
  readonly sql: string
  /** What a value is, where the column's values are of several types. */
  readonly typed?: (value: Scalar) => Scalar
  /** Whether such values count as what they are; otherwise all are text, as the column's type says. */
  readonly asTyped?: boolean
  /** Side of a square grey image, where every row holds one as bytes. */
  readonly side?: number
}

const GROUP = 256
/** Characters of a text that count: what is the same so far counts as the same. Bounds the memory that distinct values take. */
const MAX_TEXT = 256
/** Smaller ones are rather hashes or keys. */
const MIN_SIDE = 8

/** Cut so that each part fits into memory; the label is read with each, as features are held against it. */
export function columnGroups(columns: readonly PlannedColumn[], label: string | undefined): PlannedColumn[][] {
  const labels = columns.filter((column) => column.name === label)
  const others = columns.filter((column) => column.name !== label)
  const groups: PlannedColumn[][] = []
  for (let at = 0; at < others.length; at += GROUP) groups.push([...labels, ...others.slice(at, at + GROUP)])
  return groups.length === 0 ? [labels] : groups
}

const PLAIN = /^(BOOLEAN|U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|UINTEGER|FLOAT|DOUBLE)$/

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
    if (type === 'VARCHAR') {
      const text = `left(${id}, ${MAX_TEXT})`
      return facts.get(id)?.mixed ? { ...column, sql: text, typed: numberOrText, asTyped } : { ...column, sql: text }
    }
    if (type === 'BLOB') {
      const side = facts.get(id)?.side
      return side === undefined ? { ...column, sql: id } : { ...column, sql: id, side }
    }
    if (type.startsWith('DECIMAL')) return { ...column, sql: `${id}::DOUBLE` }
    // a moment that never comes is none
    if (/^(DATE|TIMESTAMP)/.test(type)) return { ...column, sql: `CASE WHEN isfinite(${id}) THEN ${id} END` }
    if (PLAIN.test(type)) return { ...column, sql: id }
    return { ...column, sql: `left(${/[[(]/.test(type) ? `to_json(${id})` : id}::VARCHAR, ${MAX_TEXT})` }
  })
}

type Facts = { readonly mixed?: boolean; readonly side?: number }

async function columnFacts({ duck, from, file, columns, format }: Table): Promise<Map<string, Facts>> {
  const facts = new Map<string, Facts>()
  const asked = columns.filter(({ type }) => type === 'BLOB' || (type === 'VARCHAR' && format === 'csv'))
  for (let at = 0; at < asked.length; at += GROUP) {
    const group = asked.slice(at, at + GROUP)
    const items = group.flatMap(({ id, type }, index) =>
      type === 'BLOB'
        ? [
            `min(octet_length(${id}))::DOUBLE AS a${index}`,
            `max(octet_length(${id}))::DOUBLE AS b${index}`,
            `(count(*) - count(${id}))::DOUBLE AS m${index}`,
          ]
        : [`count(${id})::DOUBLE AS a${index}`, `count(*) FILTER (regexp_full_match(${id}, '${NUMBER_PATTERN}'))::DOUBLE AS b${index}`],
    )
    const [row] = await duck.rows(`SELECT ${items.join(', ')} FROM ${from}`).catch((thrown: unknown) => {
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
): AsyncGenerator<{ batch: Batch; length: number }> {
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
    const named = columns.map(({ name, typed, asTyped }, index): [string, Column] => {
      const column = next.value[`f${index}`] ?? []
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
