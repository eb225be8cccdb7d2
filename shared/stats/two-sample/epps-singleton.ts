import { chiSquareTail } from '../special-functions.ts'
import { pseudoInverse } from './pseudo-inverse.ts'
import type { TwoSampleResult } from './two-sample-test.ts'

/** Where the characteristic functions are compared, in half interquartile ranges (Epps and Singleton 1986). */
const POINTS = [0.4, 0.8]

function quantile(sorted: Float64Array, share: number): number {
  const at = share * (sorted.length - 1)
  const low = Math.floor(at)
  const below = sorted[low] as number
  return below + (at - low) * ((sorted[low + 1] ?? below) - below)
}

/** Cosines and sines of each value: their means, and their covariance over n. */
function waves(values: ArrayLike<number>, scale: number): { mean: number[]; covariance: number[][] } {
  const size = 2 * POINTS.length
  const mean = new Array<number>(size).fill(0)
  const products = Array.from({ length: size }, () => new Array<number>(size).fill(0))
  for (let row = 0; row < values.length; row++) {
    const x = (values[row] as number) / scale
    const g = [...POINTS.map((t) => Math.cos(t * x)), ...POINTS.map((t) => Math.sin(t * x))]
    for (let i = 0; i < size; i++) {
      mean[i] = (mean[i] ?? 0) + (g[i] ?? 0) / values.length
      const line = products[i] as number[]
      for (let j = 0; j < size; j++) line[j] = (line[j] ?? 0) + ((g[i] ?? 0) * (g[j] ?? 0)) / values.length
    }
  }
  return { mean, covariance: products.map((line, i) => line.map((product, j) => product - (mean[i] ?? 0) * (mean[j] ?? 0))) }
}

/**
 * Epps-Singleton (1986): compares characteristic functions, so that it takes discrete values as they are. The statistic is chi-square with the covariance's rank as degrees, with
 * the correction for samples below 25 (Goerg and Kaiser 2009). Where the middle half of all values is one value there is no scale: then p is NaN.
 */
export function eppsSingleton(reference: ArrayLike<number>, current: ArrayLike<number>): TwoSampleResult {
  const [n, m] = [reference.length, current.length]
  const sorted = Float64Array.from([...Array.from(reference), ...Array.from(current)]).sort()
  const scale = (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / 2
  if (scale === 0) return { statistic: Number.NaN, p: Number.NaN }
  const [a, b] = [waves(reference, scale), waves(current, scale)]
  const all = n + m
  const covariance = a.covariance.map((line, i) => line.map((x, j) => (all / n) * x + (all / m) * (b.covariance[i]?.[j] ?? 0)))
  const { inverse, rank } = pseudoInverse(covariance)
  const difference = a.mean.map((x, i) => x - (b.mean[i] ?? 0))
  let statistic = 0
  for (const [i, line] of inverse.entries())
    for (const [j, weight] of line.entries()) statistic += all * (difference[i] ?? 0) * weight * (difference[j] ?? 0)
  if (Math.max(n, m) < 25) statistic /= 1 + all ** -0.45 + 10.1 * (n ** -1.7 + m ** -1.7)
  return { statistic, p: chiSquareTail(statistic, rank) }
}
