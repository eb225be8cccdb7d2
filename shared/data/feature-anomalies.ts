import { type Anomaly, percent, type ReportAnomaly as Report } from './anomaly.ts'
import { type FeatureStatistics, valuesOf } from './dataset-statistics.ts'
import { domainAnomalies } from './domain-anomalies.ts'
import type { FeatureSchema, FeatureType } from './schema.ts'

/** A feature that the schema expects and the data does not have: no column, or one without a value. */
export function absenceAnomalies({ name, presence }: FeatureSchema, found: FeatureStatistics | undefined): Anomaly[] {
  if (presence === undefined || (presence.minFraction === 0 && presence.minCount === 0)) return []
  const of = { feature: name, severity: 'error' } as const
  if (found === undefined) {
    const description = `${name} is required by the schema, but the data has no such column`
    return [{ ...of, name: 'SCHEMA_MISSING_COLUMN', short: 'Column missing', description }]
  }
  const description = `${name} is a column of the data, but each of its ${found.missing} values is missing`
  return [{ ...of, name: 'FEATURE_TYPE_NOT_PRESENT', short: 'Column empty', description }]
}

/** Types that a feature of the schema's type may hold. Whole numbers are floats too; JSON does not tell them apart. */
const ALLOWED: Record<FeatureType, readonly FeatureType[]> = {
  int: ['int'],
  float: ['int', 'float'],
  string: ['string'],
  bytes: ['bytes'],
  image: ['image'],
  time: ['time'],
}

export function featureAnomalies(feature: FeatureSchema, found: FeatureStatistics, examples: number): Anomaly[] {
  const { name, type, domain } = feature
  const anomalies: Anomaly[] = []
  const report: Report = (anomaly, short, description) =>
    anomalies.push({ feature: name, name: anomaly, severity: 'error', short, description: `${name} ${description}` })

  const foreign = Object.entries(found.types).filter(([seen]) => !ALLOWED[type].includes(seen as FeatureType))
  if (foreign.length > 0) {
    const what = foreign.map(([seen, count]) => `${count ?? 0} of type ${seen}`).join(', ')
    report('UNEXPECTED_DATA_TYPE', 'Unexpected type', `must be of type ${type}, but of its ${valuesOf(found)} values there are ${what}`)
  }
  presenceAnomalies(feature, found, examples, report)
  valencyAnomalies(feature, found, report)
  uniqueAnomalies(feature, found, report)
  if (domain !== undefined && foreign.length === 0) domainAnomalies(domain, type, found, report)
  return anomalies
}

function presenceAnomalies({ presence }: FeatureSchema, { count }: FeatureStatistics, examples: number, report: Report): void {
  if (presence === undefined) return
  const fraction = examples === 0 ? 0 : count / examples
  if (fraction < presence.minFraction) {
    report(
      'FEATURE_TYPE_LOW_FRACTION_PRESENT',
      'Too often missing',
      `is present in ${percent(fraction)} of the examples, where ${percent(presence.minFraction)} are required`,
    )
  }
  if (count < presence.minCount) {
    report('FEATURE_TYPE_LOW_NUMBER_PRESENT', 'Too few values', `is present in ${count} examples, where ${presence.minCount} are required`)
  }
}

function valencyAnomalies({ valueCount }: FeatureSchema, { lists }: FeatureStatistics, report: Report): void {
  if ((valueCount === undefined) !== (lists === undefined)) {
    const description =
      lists === undefined
        ? 'must hold lists, but holds single values'
        : `must hold single values, but holds lists of ${lists.min} to ${lists.max} values`
    return report('VALUE_NESTEDNESS_MISMATCH', 'Lists and values mixed up', description)
  }
  if (valueCount === undefined || lists === undefined) return
  const { min, max } = valueCount
  if (min !== undefined && lists.min < min)
    report('FEATURE_TYPE_LOW_NUMBER_VALUES', 'Lists too short', `has a list of ${lists.min} values, where at least ${min} are required`)
  if (max !== undefined && lists.max > max)
    report('FEATURE_TYPE_HIGH_NUMBER_VALUES', 'Lists too long', `has a list of ${lists.max} values, where at most ${max} are allowed`)
}

function uniqueAnomalies({ unique, type }: FeatureSchema, { categorical }: FeatureStatistics, report: Report): void {
  if (unique === undefined) return
  if (categorical === undefined)
    return report(
      'FEATURE_TYPE_NO_UNIQUE',
      'Distinct values not counted',
      `has bounds on its distinct values, which are not counted for type ${type}`,
    )
  const about = categorical.exact ? '' : 'about '
  const { min, max } = unique
  if (min !== undefined && categorical.unique < min)
    report(
      'FEATURE_TYPE_LOW_UNIQUE',
      'Too few distinct values',
      `has ${about}${categorical.unique} distinct values, where at least ${min} are required`,
    )
  if (max !== undefined && categorical.unique > max)
    report(
      'FEATURE_TYPE_HIGH_UNIQUE',
      'Too many distinct values',
      `has ${about}${categorical.unique} distinct values, where at most ${max} are allowed`,
    )
}
