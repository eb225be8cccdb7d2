import type { ChangeDetector } from './change-detector.ts'

export type EddmOptions = {
  /** Errors before the first alarm. */
  readonly least?: number
  /** Share of the largest distance between errors below which the alarm goes off. */
  readonly level?: number
}

/**
 * Early drift detection method (Baena-García et al. 2006) over errors (1) and right answers (0): alarm where mean and two deviations of the distance between errors have fallen
 * below `level` of their largest.
 */
export function eddm({ least = 30, level = 0.9 }: EddmOptions = {}): ChangeDetector {
  const fresh = () => ({ seen: 0, last: 0, errors: 0, mean: 0, squares: 0, largest: 0 })
  let at = fresh()
  return {
    add(value) {
      at.seen++
      if (value !== 1) return false
      const distance = at.seen - at.last
      at.last = at.seen
      at.errors++
      const delta = distance - at.mean
      at.mean += delta / at.errors
      at.squares += delta * (distance - at.mean)
      if (at.seen < least) return false
      const reach = at.mean + 2 * Math.sqrt(at.squares / at.errors)
      if (reach > at.largest) {
        at.largest = reach
        return false
      }
      const changed = at.errors > least && reach < level * at.largest
      if (changed) at = fresh()
      return changed
    },
  }
}
