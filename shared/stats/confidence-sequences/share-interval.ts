import { betaBinomial } from './beta-binomial-mixture.ts'
import { bisect } from './mixture.ts'

export type ShareOptions = {
  readonly alpha?: number
  /** Number of trials for which the interval is the tightest. */
  readonly bestAt: number
}

/** Interval of a share that holds the true one at every number of trials together, with probability 1 - alpha (Howard et al. 2021, section 3.2): unlike Wilson's it may be looked at all the time. */
export function shareInterval(successes: number, trials: number, { alpha = 0.05, bestAt }: ShareOptions): { low: number; high: number } {
  const seen = successes / trials
  const threshold = Math.log(1 / alpha)
  const holds = (p: number): boolean => {
    if (p <= 0 || p >= 1) return false
    const variance = p * (1 - p)
    const mixture = betaBinomial({ bestAt: variance * bestAt, below: p, above: 1 - p })
    return mixture.log((seen - p) * trials, variance * trials) < threshold
  }
  return {
    low: seen > 0 ? bisect(holds, 0, seen) : 0,
    high: seen < 1 ? bisect(holds, 1, seen) : 1,
  }
}
