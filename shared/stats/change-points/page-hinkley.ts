import type { ChangeDetector } from './change-detector.ts'

export type PageHinkleyOptions = {
  /** Values before the first alarm. */
  readonly least?: number
  /** A rise of the mean that does not matter, in the values' unit. */
  readonly delta?: number
  /** Sum of excesses at which the alarm goes off, in the values' unit: standardise first. */
  readonly threshold?: number
  /** How much of the sum is kept from value to value. */
  readonly keep?: number
}

/** Page-Hinkley test (Page 1954) for a mean that rises, with river's defaults. */
export function pageHinkley({ least = 30, delta = 0.005, threshold = 50, keep = 0.9999 }: PageHinkleyOptions = {}): ChangeDetector {
  let [seen, mean, sum] = [0, 0, 0]
  return {
    add(value) {
      seen++
      mean += (value - mean) / seen
      sum = Math.max(0, keep * sum + value - mean - delta)
      const changed = seen + 1 >= least && sum >= threshold
      if (changed) [seen, mean, sum] = [0, 0, 0]
      return changed
    },
  }
}
