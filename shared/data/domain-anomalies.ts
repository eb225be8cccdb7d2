import { percent, type ReportAnomaly as Report } from './anomaly.ts'
import { type FeatureStatistics, valuesOf } from './dataset-statistics.ts'
import type { Domain, FeatureType } from './schema.ts'

type Range = Extract<Domain, { kind: 'range' }>

export function domainAnomalies(domain: Domain, type: FeatureType, found: FeatureStatistics, report: Report): void {
  switch (domain.kind) {
    case 'values':
      return valueAnomalies(domain, type, found, report)
    case 'range':
      return type === 'string' ? textRangeAnomalies(domain, found, report) : rangeAnomalies(domain, type, found, report)
    case 'image':
      return imageAnomalies(domain, type, found, report)
  }
}

const misfit = (what: string, type: FeatureType, report: Report): void =>
  report('DOMAIN_INVALID_FOR_TYPE', 'Domain does not fit', `has ${what}, which its type ${type} cannot have`)

const shown = (values: readonly { readonly value: string; readonly count: number }[]): string =>
  `${values
    .slice(0, 5)
    .map(({ value, count }) => `"${value}" (${count})`)
    .join(', ')}${values.length > 5 ? ` and ${values.length - 5} more` : ''}`

function valueAnomalies(domain: Extract<Domain, { kind: 'values' }>, type: FeatureType, found: FeatureStatistics, report: Report): void {
  if (found.categorical === undefined) return misfit('a domain of values', type, report)
  const allowed = new Set(domain.values)
  const { top, exact, unique } = found.categorical
  const strange = top.filter(({ value }) => !allowed.has(value))
  // a closed domain has fewer values than are tracked, so that what is not listed singly is strange as well
  const inside = top.reduce((sum, { value, count }) => (allowed.has(value) ? sum + count : sum), 0)
  const all = exact && top.length === unique ? strange.reduce((sum, { count }) => sum + count, 0) : valuesOf(found) - inside
  const mass = all / valuesOf(found)
  if (mass <= 1 - domain.minMass || strange.length === 0) return
  report(
    'ENUM_TYPE_UNEXPECTED_STRING_VALUES',
    'Unexpected values',
    `has values outside its domain in ${percent(mass)} of the rows: ${shown(strange)}`,
  )
}

function rangeAnomalies(
  { min, max, disallowNan, disallowInf }: Range,
  type: FeatureType,
  { numeric }: FeatureStatistics,
  report: Report,
): void {
  if (numeric === undefined) return misfit('a range', type, report)
  const whole = type !== 'float'
  if (max !== undefined && numeric.n > 0 && numeric.max > max)
    report(whole ? 'INT_TYPE_BIG_INT' : 'FLOAT_TYPE_BIG_FLOAT', 'Value too large', `reaches ${numeric.max}, above its maximum ${max}`)
  if (min !== undefined && numeric.n > 0 && numeric.min < min)
    report(
      whole ? 'INT_TYPE_SMALL_INT' : 'FLOAT_TYPE_SMALL_FLOAT',
      'Value too small',
      `goes down to ${numeric.min}, below its minimum ${min}`,
    )
  if (disallowNan && numeric.nan > 0) report('FLOAT_TYPE_HAS_NAN', 'Not a number', `is NaN in ${numeric.nan} rows`)
  const infinite = numeric.posInf + numeric.negInf
  if (disallowInf && infinite > 0) report('FLOAT_TYPE_HAS_INF', 'Infinite values', `is infinite in ${infinite} rows`)
}

const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/
const WHOLE = /^[+-]?\d+$/

/** Text that has to write numbers: the most frequent values are looked at. */
function textRangeAnomalies({ min, max, whole = false }: Range, { categorical }: FeatureStatistics, report: Report): void {
  const top = categorical?.top ?? []
  const form = whole ? WHOLE : NUMBER
  const strange = top.filter(({ value }) => !form.test(value))
  if (strange.length > 0) {
    const what = `must write ${whole ? 'whole numbers' : 'numbers'}, but has ${shown(strange)}`
    return report(whole ? 'INT_TYPE_NOT_INT_STRING' : 'FLOAT_TYPE_STRING_NOT_FLOAT', 'Text that is no number', what)
  }
  const numbers = top.map(({ value }) => Number(value))
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)]
  if (max !== undefined && most > max)
    report(whole ? 'INT_TYPE_BIG_INT' : 'FLOAT_TYPE_BIG_FLOAT', 'Value too large', `reaches ${most}, above its maximum ${max}`)
  if (min !== undefined && least < min)
    report(whole ? 'INT_TYPE_SMALL_INT' : 'FLOAT_TYPE_SMALL_FLOAT', 'Value too small', `goes down to ${least}, below its minimum ${min}`)
}

function imageAnomalies(domain: Extract<Domain, { kind: 'image' }>, type: FeatureType, { image }: FeatureStatistics, report: Report): void {
  if (image === undefined) return misfit('the domain of an image', type, report)
  const strange = image.shapes.filter(
    ({ height, width, channels }) => height !== domain.height || width !== domain.width || channels !== domain.channels,
  )
  if (strange.length === 0) return
  const sizes = strange.map(({ height, width, channels, count }) => `${count} of ${height}x${width}x${channels}`).join(', ')
  report('INVALID_FEATURE_SHAPE', 'Wrong shape', `must be ${domain.height}x${domain.width}x${domain.channels}, but has images ${sizes}`)
}
