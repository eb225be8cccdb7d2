import { pool } from './pooled.ts'
import type { TwoSampleResult } from './two-sample-test.ts'

/** ln of the level over the standardised statistic, by least squares through the seven critical values of Scholz and Stephens (1987, table 1) for two samples. */
const LOG_LEVEL = [-1.077770279820486, -1.0082265644652515, 0.018198094574111343] as const
/** Outside of the levels of the table nothing is known but that. */
const LEVELS = { low: 0.001, high: 0.25 }

/** Standard deviation of the statistic for two samples of n and m (Scholz and Stephens 1987, eq. 4). */
function deviation(n: number, m: number): number {
  const all = n + m
  const k = 2
  const H = 1 / n + 1 / m
  let h = 0
  let g = 0
  for (let i = 1; i < all; i++) h += 1 / i
  let tail = 0
  for (let j = all - 1; j >= 2; j--) {
    // sum over i < j of 1 / ((all - i) j), from the small terms on
    tail += 1 / j
    g += tail / (all - j + 1)
  }
  const a = (4 * g - 6) * (k - 1) + (10 - 6 * g) * H
  const b = (2 * g - 4) * k ** 2 + 8 * h * k + (2 * g - 14 * h - 4) * H - 8 * h + 4 * g - 6
  const c = (6 * h + 2 * g - 2) * k ** 2 + (4 * h - 4 * g + 6) * k + (2 * h - 6) * H + 4 * h
  const d = (2 * h + 6) * k ** 2 - 4 * h * k
  return Math.sqrt((a * all ** 3 + b * all ** 2 + c * all + d) / ((all - 1) * (all - 2) * (all - 3)))
}

/**
 * Anderson-Darling for two samples, with midranks for ties (Scholz and Stephens 1987): looks at the tails more than Kolmogorov-Smirnov does. The statistic is
 * standardised; p is interpolated between 0.001 and 0.25 and cut there, as the published table ends there. From 4 values in all.
 */
export function andersonDarling(reference: ArrayLike<number>, current: ArrayLike<number>): TwoSampleResult {
  const pooled = pool(reference, current)
  const [n, m] = [reference.length, current.length]
  const all = n + m
  if (all < 4 || pooled.values.length < 2) return { statistic: 0, p: LEVELS.high }
  let below = 0
  let [belowA, belowB] = [0, 0]
  let sum = 0
  for (let i = 0; i < pooled.values.length; i++) {
    const [a, b] = [pooled.reference[i] ?? 0, pooled.current[i] ?? 0]
    const ties = a + b
    const middle = below + ties / 2
    const weight = ties / all / (middle * (all - middle) - (all * ties) / 4)
    sum += weight * ((all * (belowA + a / 2) - middle * n) ** 2 / n + (all * (belowB + b / 2) - middle * m) ** 2 / m)
    below += ties
    belowA += a
    belowB += b
  }
  const statistic = ((sum * (all - 1)) / all - 1) / deviation(n, m)
  const [c0, c1, c2] = LOG_LEVEL
  // the square turns upwards again far beyond the table
  const at = Math.min(statistic, 20)
  return { statistic, p: Math.min(LEVELS.high, Math.max(LEVELS.low, Math.exp(c0 + c1 * at + c2 * at * at))) }
}
