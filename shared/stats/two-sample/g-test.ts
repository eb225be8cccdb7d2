import { chiSquareTail } from '../special-functions.ts'
import type { TwoSampleResult } from './two-sample-test.ts'

/** G-test (Woolf 1957): 2 sum O ln(O / E) against the reference's shares, taken as known; chi-square with cells - 1 degrees. Infinite where the sample has what the reference has never. */
export function gTest(reference: readonly number[], current: readonly number[]): TwoSampleResult {
  const sum = (counts: readonly number[]): number => counts.reduce((all, count) => all + count, 0)
  const ratio = sum(current) / sum(reference)
  const cells = reference
    .map((count, i) => [count * ratio, current[i] ?? 0] as const)
    .filter(([expected, seen]) => expected > 0 || seen > 0)
  const statistic = 2 * cells.reduce((all, [expected, seen]) => all + (seen === 0 ? 0 : seen * Math.log(seen / expected)), 0)
  return { statistic, p: statistic === Infinity ? 0 : chiSquareTail(statistic, cells.length - 1) }
}
