import { normalTail } from '../special-functions.ts'
import { midranks, pool } from './pooled.ts'
import type { TwoSampleResult } from './two-sample-test.ts'

/**
 * Mann-Whitney U (1947): whether values of one sample tend to be larger. The statistic is U of the reference, of n m at most; p is two-sided, from the normal
 * distribution with corrections for ties and continuity.
 */
export function mannWhitney(reference: ArrayLike<number>, current: ArrayLike<number>): TwoSampleResult {
  const pooled = pool(reference, current)
  const ranks = midranks(pooled)
  const [n, m] = [reference.length, current.length]
  const all = n + m
  const rankSum = ranks.reduce((sum, rank, i) => sum + rank * (pooled.reference[i] ?? 0), 0)
  const u = rankSum - (n * (n + 1)) / 2
  const ties = pooled.reference.reduce((sum, count, i) => {
    const t = count + (pooled.current[i] ?? 0)
    return sum + t ** 3 - t
  }, 0)
  const deviation = Math.sqrt(((n * m) / 12) * (all + 1 - ties / (all * (all - 1))))
  const z = (Math.max(u, n * m - u) - (n * m) / 2 - 0.5) / deviation
  return { statistic: u, p: deviation > 0 ? Math.min(1, 2 * normalTail(z)) : 1 }
}
