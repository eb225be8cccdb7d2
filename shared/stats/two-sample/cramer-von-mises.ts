import { logGamma } from '../special-functions.ts'
import { midranks, pool } from './pooled.ts'
import type { TwoSampleResult } from './two-sample-test.ts'

/** Modified Bessel function K of order 1/4, times e^y: the integral of exp(-y (cosh t - 1)) cosh(t / 4), which the trapezium rule gives to the last digits. */
function besselQuarter(y: number): number {
  const step = 1 / 32
  let sum = 0.5
  for (let i = 1; i < 2000; i++) {
    const t = i * step
    const term = Math.exp(-y * (Math.cosh(t) - 1)) * Math.cosh(t / 4)
    sum += term
    if (term < 1e-18) break
  }
  return sum * step
}

/** P(W >= x) of the limiting distribution (Csörgő and Faraway 1996, eq. 1.2). */
function limitTail(x: number): number {
  let below = 0
  for (let k = 0; k < 100; k++) {
    const y = 4 * k + 1
    const q = (y * y) / (16 * x)
    const term = (Math.exp(logGamma(k + 0.5) - logGamma(k + 1) - 2 * q) * Math.sqrt(y) * besselQuarter(q)) / (Math.PI ** 1.5 * Math.sqrt(x))
    below += term
    if (k > 10 && term < 1e-12) break
  }
  return Math.max(0, 1 - below)
}

/** Cramér-von Mises for two samples (Anderson 1962), ties with midranks: the squared gap between the distribution functions. p from the limiting distribution. */
export function cramerVonMises(reference: ArrayLike<number>, current: ArrayLike<number>): TwoSampleResult {
  const pooled = pool(reference, current)
  const ranks = midranks(pooled)
  const [n, m] = [reference.length, current.length]
  const all = n + m
  const gap = (counts: readonly number[]): number => {
    let place = 0
    let sum = 0
    for (let i = 0; i < counts.length; i++) for (let c = 0; c < (counts[i] ?? 0); c++) sum += ((ranks[i] ?? 0) - ++place) ** 2
    return sum
  }
  const u = n * gap(pooled.reference) + m * gap(pooled.current)
  const statistic = u / (n * m * all) - (4 * n * m - 1) / (6 * all)
  const expected = (1 + 1 / all) / 6
  const variance = ((all + 1) * (4 * n * m * all - 3 * (n * n + m * m) - 2 * n * m)) / (45 * all * all * 4 * n * m)
  const scaled = 1 / 6 + (statistic - expected) / Math.sqrt(45 * variance)
  return { statistic, p: scaled < 0.003 ? 1 : limitTail(scaled) }
}
