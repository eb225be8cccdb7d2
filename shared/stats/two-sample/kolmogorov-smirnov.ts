import { kolmogorovSmirnov } from '../distances.ts'
import { kolmogorovTail } from '../special-functions.ts'
import { pool } from './pooled.ts'
import type { TwoSampleResult } from './two-sample-test.ts'

/** Products of sizes up to which p is counted exactly: so many additions. */
const EXACT = 1_000_000

/** P(D < d) where all values differ: the share of ways through the n x m lattice that stay within d of its diagonal (Hodges 1958). */
function exactTail(d: number, n: number, m: number): number {
  const far = (i: number, j: number): boolean => Math.abs(i / n - j / m) >= d - 1e-12
  let row = new Float64Array(m + 1)
  // probabilities instead of counts: the way goes on in i with (n - i) / (n - i + m - j)
  row[0] = 1
  for (let i = 0; i <= n; i++) {
    const next = new Float64Array(m + 1)
    for (let j = 0; j <= m; j++) {
      if (far(i, j)) row[j] = 0
      const here = row[j] as number
      const left = n - i + m - j
      if (left === 0) continue
      if (j < m) row[j + 1] = (row[j + 1] as number) + (here * (m - j)) / left
      next[j] = (here * (n - i)) / left
    }
    if (i === n) return 1 - (row[m] as number)
    row = next
  }
  return 1
}

/** Kolmogorov-Smirnov for two samples of raw values; p is exact where n m is a million at most and all values differ, conservative with ties, asymptotic beyond. */
export function kolmogorovSmirnovTwoSample(reference: ArrayLike<number>, current: ArrayLike<number>): TwoSampleResult {
  const pooled = pool(reference, current)
  const [n, m] = [reference.length, current.length]
  const statistic = kolmogorovSmirnov(pooled.reference, pooled.current)
  return {
    statistic,
    p: n * m <= EXACT ? Math.min(1, Math.max(0, exactTail(statistic, n, m))) : kolmogorovTail(Math.sqrt((n * m) / (n + m)) * statistic),
  }
}
