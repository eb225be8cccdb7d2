import type { Scalar } from '../../shared/data/columns.ts'
import type { DatasetStatistics } from '../../shared/data/dataset-statistics.ts'
import type { MixedColumn } from './analyse-file.ts'

/** A leading zero is the sign of a code, not of a number. */
export const NUMBER_PATTERN = '[+-]?((0|[1-9][0-9]*)(\\.[0-9]*)?|\\.[0-9]+)([eE][+-]?[0-9]+)?'
const NUMBER = new RegExp(`^${NUMBER_PATTERN}$`)

/** A text of a column that is mostly numbers: the number it writes, or itself. */
export const numberOrText = (value: Scalar): Scalar => (typeof value === 'string' && NUMBER.test(value) ? Number(value) : value)

/** A value of a JSON column whose rows do not agree in type; lists and objects stay JSON text. */
export function jsonValue(value: Scalar): Scalar {
  if (typeof value !== 'string') return value
  const parsed: unknown = JSON.parse(value)
  if (parsed === null || typeof parsed === 'number' || typeof parsed === 'string' || typeof parsed === 'boolean') return parsed
  return value
}

type Kind = 'a number' | 'text'
const PLURAL: Record<Kind, string> = { 'a number': 'numbers', text: 'text' }

const kindOf = (value: Scalar): Kind | undefined => {
  if (value === null || value === undefined) return undefined
  if (typeof value === 'number' || typeof value === 'bigint') return 'a number'
  return 'text'
}

type First = { readonly row: number; readonly value: string; count: number }

/** Remembers per column and kind of value the first row. */
export class MixedTypes {
  readonly #firsts = new Map<string, Map<Kind, First>>()

  /** `row` counts from 1. */
  see(feature: string, value: Scalar, row: number): void {
    const kind = kindOf(value)
    if (kind === undefined) return
    const firsts = this.#firsts.get(feature) ?? new Map<Kind, First>()
    this.#firsts.set(feature, firsts)
    const first = firsts.get(kind)
    if (first) first.count++
    else firsts.set(kind, { row, value: String(value).slice(0, 60), count: 1 })
  }

  /** Columns with more than one kind, each with the first row of the rarer kind. */
  found({ features }: DatasetStatistics): MixedColumn[] {
    return features.flatMap(({ name }) => {
      const kinds = [...(this.#firsts.get(name) ?? [])].sort(([, a], [, b]) => b.count - a.count)
      const [usual, odd] = kinds
      if (usual === undefined || odd === undefined) return []
      const [kind, { row, value, count }] = odd
      const advice = `row ${row} holds ${JSON.stringify(value)} (${kind}; ${count} such) where the others are ${PLURAL[usual[0]]}: correct it at the source, or leave it empty where it means missing`
      return [{ feature: name, row, value, advice }]
    })
  }
}
