/** How values are written in both pages: short, with units, the same everywhere. */
const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const clockTime = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false })
const dayTime = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hour12: false })
const exact = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'medium', hour12: false })

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** 12345 -> "12,345". */
export const countText = (count: number): string => whole.format(count)

/** "1 device", "12 devices". */
export const plural = (count: number, noun: string): string => `${countText(count)} ${noun}${count === 1 ? '' : 's'}`

/** A share from 0 to 1 as per cent: 0.98651 -> "98.65 %". */
export const percentText = (share: number | null, digits = 2): string => (share === null ? '–' : `${(share * 100).toFixed(digits)} %`)

/** Milliseconds in the largest fitting unit: "840 ms", "12.4 s", "3 min 20 s", "2 h 5 min". */
export function durationText(ms: number | null): string {
  if (ms === null) return '–'
  if (ms < 10) return `${ms.toFixed(1)} ms`
  if (ms < SECOND) return `${Math.round(ms)} ms`
  if (ms < MINUTE) return `${(ms / SECOND).toFixed(1)} s`
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min ${Math.round((ms % MINUTE) / SECOND)} s`
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h ${Math.round((ms % HOUR) / MINUTE)} min`
  return `${Math.floor(ms / DAY)} d ${Math.round((ms % DAY) / HOUR)} h`
}

/** "914 B", "1.2 kB", "3.40 MB". */
export function bytesText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`
  if (bytes < 1e9) return `${(bytes / 1e6).toFixed(2)} MB`
  return `${(bytes / 1e9).toFixed(2)} GB`
}

/** Four significant digits, without a long tail. */
export function numberText(value: number): string {
  if (Number.isInteger(value)) return countText(value)
  const size = Math.abs(value)
  if (size >= 1000) return whole.format(value)
  return size >= 0.001 ? String(Number(value.toPrecision(4))) : value.toExponential(2)
}

/** How long ago, in words, for epoch milliseconds. */
export function agoText(at: number, now: number): string {
  const past = now - at
  if (past < 10 * SECOND) return 'just now'
  if (past < MINUTE) return `${Math.round(past / SECOND)} s ago`
  if (past < HOUR) return `${Math.round(past / MINUTE)} min ago`
  if (past < DAY) return `${Math.round(past / HOUR)} h ago`
  return past < 14 * DAY ? `${Math.round(past / DAY)} d ago` : dayTime.format(at)
}

export const exactTimeText = (at: number): string => exact.format(at)
export const clockText = (at: number): string => clockTime.format(at)
export const dayTimeText = (at: number): string => dayTime.format(at)

/** The beginning of a digest or id, enough to tell two apart. */
export const shortId = (id: string): string => {
  const cut = id.indexOf('_') + 1
  return id.slice(0, cut + 8)
}
