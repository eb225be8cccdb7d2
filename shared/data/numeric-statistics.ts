import type { NumericStatistics } from './dataset-statistics.ts'

const QUANTILES = 32
const HISTOGRAM_BINS = 32

/** Moments and extremes of numbers, one at a time (Welford 1962). */
export type NumberSummary = { add(value: number): void; finish(sample: readonly number[]): NumericStatistics | undefined }

export function summariseNumbers(): NumberSummary {
  let n = 0
  let mean = 0
  let m2 = 0
  let min = Infinity
  let max = -Infinity
  let zeros = 0
  let nan = 0
  let posInf = 0
  let negInf = 0
  return {
    add: (value) => {
      if (!Number.isFinite(value)) {
        if (value === Infinity) posInf++
        else if (value === -Infinity) negInf++
        else nan++
        return
      }
      n++
      const delta = value - mean
      mean += delta / n
      m2 += delta * (value - mean)
      if (value < min) min = value
      if (value > max) max = value
      if (value === 0) zeros++
    },
    finish: (sample) =>
      numericStatistics({ n, mean, deviation: n > 1 ? Math.sqrt(m2 / (n - 1)) : 0, min, max, zeros, nan, posInf, negInf }, sample),
  }
}

/** What one pass over numbers gives; of no finite numbers only the counts mean something. */
export type Moments = Omit<NumericStatistics, 'quantiles' | 'histogram' | 'sampled'>

/** Moments with the distribution that a sample shows. Undefined where there were no numbers at all. */
export function numericStatistics(moments: Moments, sample: readonly number[]): NumericStatistics | undefined {
  const { n, mean, deviation, min, max, nan, posInf, negInf } = moments
  if (n + nan + posInf + negInf === 0) return undefined
  const empty = n === 0
  const sorted = Float64Array.from(sample.filter(Number.isFinite)).sort()
  return {
    ...moments,
    mean: empty ? 0 : mean,
    // squares of values near the largest double have no sum
    deviation: Math.min(deviation, Number.MAX_VALUE),
    min: empty ? 0 : min,
    max: empty ? 0 : max,
    quantiles: quantiles(sorted, min, max),
    histogram: { buckets: equalWidthBuckets(sorted, n, min, max), nan },
    ...(sorted.length < n ? { sampled: sorted.length } : {}),
  }
}

function quantiles(sorted: Float64Array, min: number, max: number): number[] {
  if (sorted.length === 0) return []
  const inner = Array.from({ length: QUANTILES - 1 }, (_, k) => sorted[Math.floor(((k + 1) * (sorted.length - 1)) / QUANTILES)] as number)
  return [min, ...inner, max]
}

/** The sample's counts scaled to n values. A constant feature is one point mass. */
function equalWidthBuckets(sorted: Float64Array, n: number, min: number, max: number): NumericStatistics['histogram']['buckets'] {
  if (sorted.length === 0) return []
  const width = (max - min) / HISTOGRAM_BINS
  if (!(width > 0)) return [{ low: min, high: min, count: n }]
  const counts = new Array<number>(HISTOGRAM_BINS).fill(0)
  for (const value of sorted) {
    const bin = Math.min(HISTOGRAM_BINS - 1, Math.floor((value - min) / width))
    counts[bin] = (counts[bin] ?? 0) + 1
  }
  const scale = n / sorted.length
  return counts.map((count, i) => ({
    low: min + i * width,
    high: i === HISTOGRAM_BINS - 1 ? max : min + (i + 1) * width,
    count: count * scale,
  }))
}
