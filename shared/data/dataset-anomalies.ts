import type { Anomaly, AnomalyName } from './anomaly.ts'
import type { DatasetStatistics } from './dataset-statistics.ts'
import type { DatasetSchema } from './schema.ts'

const figure = (x: number): string => String(Number(x.toPrecision(3)))

/** What is wrong with the number of examples, by itself and beside the span before. */
export function datasetAnomalies(
  { examples }: DatasetStatistics,
  schema: DatasetSchema,
  previous: DatasetStatistics | undefined,
): Anomaly[] {
  const { min, max, drift } = schema.examples ?? {}
  const found: Anomaly[] = []
  const report = (name: AnomalyName, short: string, bound: string) =>
    found.push({ feature: null, name, severity: 'error', short, description: `The data set has ${examples} examples, ${bound}` })
  if (min !== undefined && examples < min) report('DATASET_LOW_NUM_EXAMPLES', 'Too few examples', `where at least ${min} are required`)
  if (max !== undefined && examples > max) report('DATASET_HIGH_NUM_EXAMPLES', 'Too many examples', `where at most ${max} are allowed`)
  if (drift === undefined || previous === undefined || previous.examples === 0) return found
  const ratio = examples / previous.examples
  const beside = `${figure(ratio)} times the ${previous.examples} before`
  if (drift.minRatio !== undefined && ratio < drift.minRatio)
    report(
      'COMPARATOR_LOW_NUM_EXAMPLES',
      'Far fewer examples than before',
      `${beside}, where at least ${drift.minRatio} times are required`,
    )
  if (drift.maxRatio !== undefined && ratio > drift.maxRatio)
    report('COMPARATOR_HIGH_NUM_EXAMPLES', 'Far more examples than before', `${beside}, where at most ${drift.maxRatio} times are allowed`)
  return found
}
