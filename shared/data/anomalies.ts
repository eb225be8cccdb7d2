import type { Anomaly, AnomalyName, Comparison } from './anomaly.ts'
import { compareFeature } from './comparators.ts'
import { type DatasetStatistics, type FeatureStatistics, statisticsOf } from './dataset-statistics.ts'
import { type DatasetSchema, type Domain, type FeatureSchema, type FeatureType, isExpectedIn } from './schema.ts'

export type ValidationOptions = {
  /** Where the data comes from; features of other environments are not missed. */
  readonly environment?: string
  /** Statistics of the span before, for drift comparators. */
  readonly previous?: DatasetStatistics
  /** Statistics of the serving side, for skew comparators. */
  readonly serving?: DatasetStatistics
}

export type ValidationReport = { readonly anomalies: readonly Anomaly[]; readonly comparisons: readonly Comparison[] }

const percent = (share: number): string => `${Number((100 * share).toPrecision(3))} %`

/** Everything about these statistics that does not fit the schema, in the order of the schema, new columns last. */
export function validateStatistics(
  statistics: DatasetStatistics,
  schema: DatasetSchema,
  options: ValidationOptions = {},
): ValidationReport {
  const anomalies = datasetAnomalies(statistics, schema)
  const comparisons: Comparison[] = []
  for (const feature of schema.features) {
    const found = statisticsOf(statistics, feature.name)
    const expected = isExpectedIn(feature, options.environment)
    if (found === undefined || found.count === 0) {
      if (expected) anomalies.push(...absenceAnomalies(feature, found))
      continue
    }
    anomalies.push(...featureAnomalies(feature, found, statistics.examples))
    for (const [against, control] of [
      ['drift', options.previous],
      ['skew', options.serving],
    ] as const) {
      const comparator = feature[against]
      if (comparator === undefined || control === undefined) continue
      const result = compareFeature(against, comparator, found, statisticsOf(control, feature.name))
      anomalies.push(...result.anomalies)
      comparisons.push(...result.comparisons)
    }
  }
  const known = new Set(schema.features.map((feature) => feature.name))
  for (const { name, type } of statistics.features) {
    if (known.has(name)) continue
    const description = `${name} (${type ?? 'no values'}) is in the data but not in the schema; add it there, or drop it at the source`
    anomalies.push({ feature: name, name: 'SCHEMA_NEW_COLUMN', severity: 'error', short: 'New column', description })
  }
  return { anomalies, comparisons }
}

function datasetAnomalies({ examples }: DatasetStatistics, schema: DatasetSchema): Anomaly[] {
  const { min, max } = schema.examples ?? {}
  const about = (name: AnomalyName, short: string, bound: string): Anomaly => ({
    feature: null,
    name,
    severity: 'error',
    short,
    description: `The data set has ${examples} examples, ${bound}`,
  })
  if (min !== undefined && examples < min)
    return [about('DATASET_LOW_NUM_EXAMPLES', 'Too few examples', `where at least ${min} are required`)]
  if (max !== undefined && examples > max)
    return [about('DATASET_HIGH_NUM_EXAMPLES', 'Too many examples', `where at most ${max} are allowed`)]
  return []
}

function absenceAnomalies(feature: FeatureSchema, found: FeatureStatistics | undefined): Anomaly[] {
  const { name, presence } = feature
  if (presence === undefined || (presence.minFraction === 0 && presence.minCount === 0)) return []
  if (found === undefined) {
    return [
      {
        feature: name,
        name: 'SCHEMA_MISSING_COLUMN',
        severity: 'error',
        short: 'Column missing',
        description: `${name} is required by the schema, but the data has no such column`,
      },
    ]
  }
  return [
    {
      feature: name,
      name: 'FEATURE_TYPE_NOT_PRESENT',
      severity: 'error',
      short: 'Column empty',
      description: `${name} is a column of the data, but each of its ${found.missing} values is missing`,
    },
  ]
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

function featureAnomalies(feature: FeatureSchema, found: FeatureStatistics, examples: number): Anomaly[] {
  const { name, type, presence, domain } = feature
  const anomalies: Anomaly[] = []
  const report = (anomaly: AnomalyName, short: string, description: string) =>
    anomalies.push({ feature: name, name: anomaly, severity: 'error', short, description: `${name} ${description}` })

  const foreign = Object.entries(found.types).filter(([seen]) => !ALLOWED[type].includes(seen as FeatureType))
  if (foreign.length > 0) {
    const what = foreign.map(([seen, count]) => `${count ?? 0} of type ${seen}`).join(', ')
    report('UNEXPECTED_DATA_TYPE', 'Unexpected type', `must be of type ${type}, but of its ${found.count} values there are ${what}`)
  }
  const fraction = examples === 0 ? 0 : found.count / examples
  if (presence !== undefined && fraction < presence.minFraction) {
    report(
      'FEATURE_TYPE_LOW_FRACTION_PRESENT',
      'Too often missing',
      `is present in ${percent(fraction)} of the examples, where ${percent(presence.minFraction)} are required`,
    )
  }
  if (presence !== undefined && found.count < presence.minCount) {
    report(
      'FEATURE_TYPE_LOW_NUMBER_PRESENT',
      'Too few values',
      `is present in ${found.count} examples, where ${presence.minCount} are required`,
    )
  }
  if (domain !== undefined && foreign.length === 0) domainAnomalies(domain, type, found, report)
  return anomalies
}

type Report = (name: AnomalyName, short: string, description: string) => void

function domainAnomalies(domain: Domain, type: FeatureType, found: FeatureStatistics, report: Report): void {
  switch (domain.kind) {
    case 'values': {
      if (found.categorical === undefined)
        return report('DOMAIN_INVALID_FOR_TYPE', 'Domain does not fit', `has a domain of values, which its type ${type} cannot have`)
      const allowed = new Set(domain.values)
      const strange = found.categorical.top.filter(({ value }) => !allowed.has(value))
      const mass = strange.reduce((sum, { count }) => sum + count, 0) / found.count
      if (mass <= 1 - domain.minMass || strange.length === 0) return
      const shown = strange.slice(0, 5).map(({ value, count }) => `"${value}" (${count})`)
      const rest = strange.length > 5 ? ` and ${strange.length - 5} more` : ''
      return report(
        'ENUM_TYPE_UNEXPECTED_STRING_VALUES',
        'Unexpected values',
        `has values outside its domain in ${percent(mass)} of the rows: ${shown.join(', ')}${rest}`,
      )
    }
    case 'range': {
      const { numeric } = found
      if (numeric === undefined)
        return report('DOMAIN_INVALID_FOR_TYPE', 'Domain does not fit', `has a range, which its type ${type} cannot have`)
      const whole = type !== 'float'
      if (domain.max !== undefined && numeric.n > 0 && numeric.max > domain.max) {
        report(
          whole ? 'INT_TYPE_BIG_INT' : 'FLOAT_TYPE_BIG_FLOAT',
          'Value too large',
          `reaches ${numeric.max}, above its maximum ${domain.max}`,
        )
      }
      if (domain.min !== undefined && numeric.n > 0 && numeric.min < domain.min) {
        report(
          whole ? 'INT_TYPE_SMALL_INT' : 'FLOAT_TYPE_SMALL_FLOAT',
          'Value too small',
          `goes down to ${numeric.min}, below its minimum ${domain.min}`,
        )
      }
      if (domain.disallowNan && numeric.nan > 0) report('FLOAT_TYPE_HAS_NAN', 'Not a number', `is NaN in ${numeric.nan} rows`)
      const infinite = numeric.posInf + numeric.negInf
      if (domain.disallowInf && infinite > 0) report('FLOAT_TYPE_HAS_INF', 'Infinite values', `is infinite in ${infinite} rows`)
      return
    }
    case 'image': {
      const strange = (found.image?.shapes ?? []).filter(
        ({ height, width, channels }) => height !== domain.height || width !== domain.width || channels !== domain.channels,
      )
      if (found.image === undefined)
        return report('DOMAIN_INVALID_FOR_TYPE', 'Domain does not fit', `has the domain of an image, which its type ${type} cannot have`)
      if (strange.length === 0) return
      const shown = strange.map(({ height, width, channels, count }) => `${count} of ${height}x${width}x${channels}`).join(', ')
      return report(
        'INVALID_FEATURE_SHAPE',
        'Wrong shape',
        `must be ${domain.height}x${domain.width}x${domain.channels}, but has images ${shown}`,
      )
    }
  }
}

/** Whether a pipeline has to stop. */
export const hasErrors = ({ anomalies }: ValidationReport): boolean => anomalies.some(({ severity }) => severity === 'error')
