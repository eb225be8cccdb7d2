import type { Random } from '../core/random.ts'
import type { Interval } from './wilson.ts'

/** How often each of n rows comes in a sample of n drawn with replacement (Efron 1979). */
export function resampled(n: number, random: Random): Uint16Array {
  const counts = new Uint16Array(n)
  for (let i = 0; i < n; i++) {
    const row = random.integer(n)
    counts[row] = (counts[row] as number) + 1
  }
  return counts
}

/** The middle `confidence` of the values, as an interval: Efron's percentile interval where they come from resamples. */
export function percentileInterval(values: readonly number[], confidence: number): Interval {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number): number => {
    const place = share * (sorted.length - 1)
    const low = sorted[Math.floor(place)] ?? Number.NaN
    return low + ((sorted[Math.ceil(place)] ?? Number.NaN) - low) * (place % 1)
  }
  return { low: at((1 - confidence) / 2), high: at((1 + confidence) / 2) }
}
