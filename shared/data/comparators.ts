import { lInfinity, normalizedAbsoluteDifference } from '../stats/distances.ts'
import { jensenShannonHistograms } from '../stats/histogram.ts'
import type { Anomaly, AnomalyName, Comparison } from './anomaly.ts'
import type { FeatureStatistics } from './dataset-statistics.ts'
import type { Comparator } from './schema.ts'

const HIGH: Record<Comparison['distance'], { name: AnomalyName; label: string }> = {
  infinityNorm: { name: 'COMPARATOR_L_INFTY_HIGH', label: 'L-infinity distance' },
  jensenShannonDivergence: { name: 'COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH', label: 'Jensen-Shannon divergence' },
  normalizedAbsoluteDifference: { name: 'COMPARATOR_NORMALIZED_ABSOLUTE_DIFFERENCE_HIGH', label: 'normalised absolute difference' },
}

const DISTANCES = ['infinityNorm', 'jensenShannonDivergence', 'normalizedAbsoluteDifference'] as const

/** Counts of both sides over all values of either. */
function aligned(current: FeatureStatistics, control: FeatureStatistics): { values: string[]; current: number[]; control: number[] } {
  const counts = (statistics: FeatureStatistics) => new Map(statistics.categorical?.top.map(({ value, count }) => [value, count]))
  const mine = counts(current)
  const theirs = counts(control)
  const values = [...new Set([...theirs.keys(), ...mine.keys()])]
  return { values, current: values.map((value) => mine.get(value) ?? 0), control: values.map((value) => theirs.get(value) ?? 0) }
}

function distanceOf(distance: Comparison['distance'], current: FeatureStatistics, control: FeatureStatistics): number | null {
  if (distance === 'jensenShannonDivergence' && current.numeric !== undefined && control.numeric !== undefined) {
    return jensenShannonHistograms(control.numeric.histogram, current.numeric.histogram)
  }
  const cells = aligned(current, control)
  if (!cells.current.some((x) => x > 0) || !cells.control.some((x) => x > 0)) return null
  if (distance === 'infinityNorm') return lInfinity(cells.control, cells.current)
  if (distance === 'normalizedAbsoluteDifference') return normalizedAbsoluteDifference(cells.control, cells.current)
  const histogram = (counts: number[]) => ({ buckets: counts.map((count, i) => ({ low: i, high: i, count })), nan: 0 })
  return jensenShannonHistograms(histogram(cells.control), histogram(cells.current))
}

/** Every distance the comparator asks for, and an anomaly for each above its threshold. Numeric features are compared by divergence, categorical ones by all three. */
export function compareFeature(
  against: Comparison['against'],
  comparator: Comparator,
  current: FeatureStatistics,
  control: FeatureStatistics | undefined,
): { comparisons: Comparison[]; anomalies: Anomaly[] } {
  const feature = current.name
  const comparisons: Comparison[] = []
  const anomalies: Anomaly[] = []
  for (const distance of DISTANCES) {
    const threshold = comparator[distance]
    if (threshold === undefined) continue
    const value = control === undefined || current.count === 0 ? null : distanceOf(distance, current, control)
    if (value === null) {
      const description = `${feature} has no ${against === 'skew' ? 'serving' : 'earlier'} data that its ${HIGH[distance].label} could be measured against`
      anomalies.push({
        feature,
        name: 'COMPARATOR_CONTROL_DATA_MISSING',
        severity: 'warning',
        short: 'Nothing to compare with',
        description,
      })
      continue
    }
    comparisons.push({ feature, against, distance, value, threshold })
    if (value > threshold) {
      const description = `${feature}: the ${HIGH[distance].label} to ${against === 'skew' ? 'serving' : 'earlier'} data is ${Number(value.toPrecision(4))}, above the threshold ${threshold}`
      anomalies.push({ feature, name: HIGH[distance].name, severity: 'error', short: `High ${HIGH[distance].label}`, description })
    }
  }
  return { comparisons, anomalies }
}
