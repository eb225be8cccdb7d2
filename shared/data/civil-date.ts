/** Parts of a date, and how many values each has. Counted from 0 in UTC; a week begins on Monday. */
export const DATE_PARTS = {
  month: 12,
  'day-of-month': 31,
  'day-of-week': 7,
  'day-of-year': 366,
  'hour-of-day': 24,
  'minute-of-day': 1440,
} as const
export type DatePart = keyof typeof DATE_PARTS

const DAY = 86_400_000

/** The part of an instant in epoch milliseconds. Date's own getters are whole-number arithmetic that ECMAScript spells out. */
export function datePart(time: number, part: DatePart): number {
  const date = new Date(time)
  switch (part) {
    case 'month':
      return date.getUTCMonth()
    case 'day-of-month':
      return date.getUTCDate() - 1
    case 'day-of-week':
      return (date.getUTCDay() + 6) % 7
    case 'day-of-year':
      return Math.floor(time / DAY) - Date.UTC(date.getUTCFullYear(), 0, 1) / DAY
    case 'hour-of-day':
      return date.getUTCHours()
    case 'minute-of-day':
      return date.getUTCHours() * 60 + date.getUTCMinutes()
  }
}

const ISO = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:Z|([+-])(\d\d):?(\d\d))?)?$/

/**
 * Epoch milliseconds of a date (2001-02-03) or time (2001-02-03T04:05:06.789+01:00) in ISO 8601; UTC where no zone is named. Undefined for other text: what Date.parse makes
 * of it depends on the engine.
 */
export function parseIsoTime(text: string): number | undefined {
  const found = ISO.exec(text.trim())
  if (found === null) return undefined
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = found.slice(1, 7).map((part) => Number(part ?? 0))
  const millis = Number((found[7] ?? '').padEnd(3, '0').slice(0, 3))
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  // a 31st of April has moved on to May
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day || hour > 23 || minute > 59 || second > 59) return undefined
  const offset = (Number(found[9] ?? 0) * 60 + Number(found[10] ?? 0)) * (found[8] === '-' ? -1 : 1)
  return date.getTime() + ((hour * 60 + minute - offset) * 60 + second) * 1000 + millis
}
