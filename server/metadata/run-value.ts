import type { MetricPoint } from '../../shared/contract/tracking.ts'
import type { Json } from '../../shared/core/json.ts'

/** A metric's value as it is stored: null is not a number. */
export type StoredValue = number | null

export const storedOf = (value: MetricPoint['value']): StoredValue => {
  const number = Number(value)
  return Number.isNaN(number) ? null : number
}

export function shownOf(value: StoredValue): MetricPoint['value'] {
  if (value === null) return 'NaN'
  return Number.isFinite(value) ? value : value > 0 ? 'Infinity' : '-Infinity'
}

const MAX_TEXT = 6000

/** Parameters as flat text, as they are searched: `{ recipe: { epochs: 3 } }` is `recipe.epochs` = `3`. */
export function flatTexts(value: Json, prefix = ''): Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    if (prefix === '' || value === null) return {}
    return { [prefix.slice(0, 250)]: (typeof value === 'string' ? value : JSON.stringify(value)).slice(0, MAX_TEXT) }
  }
  return Object.assign(
    {},
    ...Object.entries(value).map(([key, inner]) => flatTexts(inner, prefix === '' ? key : `${prefix}.${key}`)),
  ) as Record<string, string>
}

/** The number that a text is; null where it is none. */
export const numberOf = (text: string): number | null => (/^\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*$/i.test(text) ? Number(text) : null)
