import { AppError } from '../core/errors.ts'
import { parseIsoTime } from './civil-date.ts'
import type { Scalar } from './columns.ts'

type Place = { readonly input: string; readonly row: number }

const shown = (value: Scalar): string => {
  const text = value instanceof Uint8Array ? `${value.length} bytes` : JSON.stringify(typeof value === 'bigint' ? String(value) : value)
  return text.length > 60 ? `${text.slice(0, 59)}…` : text
}

const misfit = ({ input, row }: Place, value: Scalar, expected: string): AppError =>
  new AppError('invalid_input', `${input} is ${shown(value)}, expected ${expected}`, {
    issues: [{ where: `[${row}].${input}`, what: `expected ${expected}` }],
  })

/** The number that a value stands for; NaN where it is missing (nothing, an empty text) or not finite. @throws AppError invalid_input for any other value. */
export function numberOf(value: Scalar, place: Place): number {
  if (typeof value === 'number') return Number.isFinite(value) ? value : Number.NaN
  if (value === null || value === undefined) return Number.NaN
  if (value instanceof Date) return value.getTime()
  if (value instanceof Uint8Array) throw misfit(place, value, 'a number')
  if (typeof value !== 'string') return Number(value)
  if (value.trim() === '') return Number.NaN
  const number = Number(value)
  if (!Number.isNaN(number)) return Number.isFinite(number) ? number : Number.NaN
  const time = parseIsoTime(value)
  if (time === undefined) {
    if (/^\s*nan\s*$/i.test(value)) return Number.NaN
    throw misfit(place, value, 'a number')
  }
  return time
}

/** Epoch milliseconds of a value; NaN where it is missing. @throws AppError invalid_input for what is no time. */
export function timeOf(value: Scalar, place: Place): number {
  if (typeof value !== 'string' || value.trim() === '') {
    const time = numberOf(value, place)
    // as far as Date reaches
    if (Math.abs(time) > 8.64e15) throw misfit(place, value, 'a time in epoch milliseconds or ISO 8601')
    return time
  }
  const time = parseIsoTime(value)
  if (time === undefined) throw misfit(place, value, 'a time in epoch milliseconds or ISO 8601')
  return time
}

/** The text that tells a category from others: numbers as they print, times in ISO 8601. Undefined where it is missing. @throws AppError invalid_input for bytes. */
export function categoryOf(value: Scalar, place: Place): string | undefined {
  if (value === null || value === undefined) return undefined
  if (value instanceof Uint8Array) throw misfit(place, value, 'text or a whole number')
  return value instanceof Date ? value.toISOString() : String(value)
}

export function textOf(value: Scalar, place: Place): string | undefined {
  if (value === null || value === undefined) return undefined
  if (typeof value !== 'string') throw misfit(place, value, 'text')
  return value
}
