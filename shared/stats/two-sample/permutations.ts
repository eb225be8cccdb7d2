import { seededRandom } from '../../core/random.ts'

/** Random relabellings of the pooled sample; the least p is one in so many and one. */
const PERMUTATIONS = 999

/**
 * p of a statistic that has no known distribution: how often random relabelling of the pooled values reaches it, the sample itself counted (Phipson and Smyth 2010), so that
 * p <= alpha has probability alpha at most. `statistic` takes the number of reference values in each cell of the pool, of `totals`. The same samples give the same p.
 */
export function permutationTail(
  reference: readonly number[],
  totals: readonly number[],
  statistic: (reference: readonly number[]) => number,
): number {
  const random = seededRandom(1)
  const observed = statistic(reference)
  const cells = Int32Array.from(totals.flatMap((count, cell) => new Array<number>(count).fill(cell)))
  const n = reference.reduce((sum, count) => sum + count, 0)
  let reached = 1
  for (let round = 0; round < PERMUTATIONS; round++) {
    const drawn = new Array<number>(totals.length).fill(0)
    for (let i = 0; i < n; i++) {
      const j = i + random.integer(cells.length - i)
      const cell = cells[j] as number
      cells[j] = cells[i] as number
      cells[i] = cell
      drawn[cell] = (drawn[cell] ?? 0) + 1
    }
    // sums in another order differ in the last digits
    if (statistic(drawn) >= observed - 1e-12) reached++
  }
  return reached / (PERMUTATIONS + 1)
}
