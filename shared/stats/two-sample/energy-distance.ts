import { permutationTail } from './permutations.ts'
import { pool } from './pooled.ts'
import type { TwoSampleResult } from './two-sample-test.ts'

/** Energy distance of two samples (Székely 2002), in the root of their unit: on a line, the root of twice the integral of (F - G)². p by permutation. */
export function energyDistance(reference: ArrayLike<number>, current: ArrayLike<number>): TwoSampleResult {
  const pooled = pool(reference, current)
  const totals = pooled.reference.map((count, i) => count + (pooled.current[i] ?? 0))
  const [n, m] = [reference.length, current.length]
  const distance = (counts: readonly number[]): number => {
    let [a, b] = [0, 0]
    let area = 0
    for (let i = 0; i + 1 < counts.length; i++) {
      a += counts[i] ?? 0
      b += (totals[i] ?? 0) - (counts[i] ?? 0)
      area += (a / n - b / m) ** 2 * ((pooled.values[i + 1] as number) - (pooled.values[i] as number))
    }
    return Math.sqrt(2 * area)
  }
  return { statistic: distance(pooled.reference), p: permutationTail(pooled.reference, totals, distance) }
}
