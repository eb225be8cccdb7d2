import { logChoose } from '../special-functions.ts'
import type { TwoSampleResult } from './two-sample-test.ts'

/** Tables as likely as the observed one up to rounding count as such. */
const ROUNDING = 1 + 1e-7

/** Fisher's exact test (1935) of a 2x2 table, two-sided: all tables with its margins that are no likelier. The statistic is the odds ratio. Takes two cells. */
export function fisherExact(reference: readonly number[], current: readonly number[]): TwoSampleResult {
  const [a, b, c, d] = [reference[0] ?? 0, reference[1] ?? 0, current[0] ?? 0, current[1] ?? 0]
  const [n, m, first] = [a + b, c + d, a + c]
  const likelihood = (x: number): number => Math.exp(logChoose(n, x) + logChoose(m, first - x) - logChoose(n + m, first))
  const most = likelihood(a) * ROUNDING
  let p = 0
  for (let x = Math.max(0, first - m); x <= Math.min(n, first); x++) {
    const each = likelihood(x)
    if (each <= most) p += each
  }
  return { statistic: (a * d) / (b * c), p: Math.min(1, p) }
}
