import type { Anomaly, ChangeTest, Comparison } from './anomaly.ts'
import { changeAnomalies, testChange } from './change-tests.ts'
import { compareFeature } from './comparators.ts'
import { datasetAnomalies } from './dataset-anomalies.ts'
import { type DatasetStatistics, statisticsOf } from './dataset-statistics.ts'
import { absenceAnomalies, featureAnomalies } from './feature-anomalies.ts'
import { type DatasetSchema, isExpectedIn } from './schema.ts'

export type ValidationOptions = {
  /** Where the data comes from; features of other environments are not missed. */
  readonly environment?: string
  /** Statistics of the span before, for drift comparators. */
  readonly previous?: DatasetStatistics
  /** Statistics of the serving side, for skew comparators. */
  readonly serving?: DatasetStatistics
}

export type ValidationReport = {
  readonly anomalies: readonly Anomaly[]
  readonly comparisons: readonly Comparison[]
  readonly tests: readonly ChangeTest[]
}

/** Everything about these statistics that does not fit the schema, in the order of the schema, new columns last. */
export function validateStatistics(
  statistics: DatasetStatistics,
  schema: DatasetSchema,
  options: ValidationOptions = {},
): ValidationReport {
  const anomalies = datasetAnomalies(statistics, schema, options.previous)
  const comparisons: Comparison[] = []
  const tests: ChangeTest[] = []
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
      const before = statisticsOf(control, feature.name)
      const result = compareFeature(against, comparator, found, before)
      anomalies.push(...result.anomalies)
      comparisons.push(...result.comparisons)
      const tested = comparator.significance && before && testChange(against, comparator.significance, found, before)
      if (tested) tests.push(tested)
    }
  }
  const judged = changeAnomalies(tests)
  const known = new Set(schema.features.map((feature) => feature.name))
  // a column without a value brings nothing that nobody has looked at yet
  const strange = statistics.features.filter(({ name, type }) => type !== null && !known.has(name))
  const added = strange.map(({ name, type }): Anomaly => {
    const description = `${name} (${type}) is in the data but not in the schema; add it there, or drop it at the source`
    return { feature: name, name: 'SCHEMA_NEW_COLUMN', severity: 'error', short: 'New column', description }
  })
  return { anomalies: [...anomalies, ...judged.anomalies, ...added], comparisons, tests: judged.tests }
}

/** Whether a pipeline has to stop. */
export const hasErrors = ({ anomalies }: Pick<ValidationReport, 'anomalies'>): boolean =>
  anomalies.some(({ severity }) => severity === 'error')
