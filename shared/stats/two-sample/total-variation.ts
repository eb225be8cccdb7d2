import { shares } from '../distances.ts'
import { permutationTail } from './permutations.ts'
import type { TwoSampleResult } from './two-sample-test.ts'

/** Total variation distance, half the sum of |p - q|: the share of rows that would have to change. p by permutation. */
export function totalVariation(reference: readonly number[], current: readonly number[]): TwoSampleResult {
  const totals = reference.map((count, i) => count + (current[i] ?? 0))
  const distance = (counts: readonly number[]): number => {
    const q = shares(totals.map((total, i) => total - (counts[i] ?? 0)))
    return shares(counts).reduce((sum, p, i) => sum + Math.abs(p - (q[i] ?? 0)), 0) / 2
  }
  return { statistic: distance(reference), p: permutationTail(reference, totals, distance) }
}
