import { assert } from '../core/assert.ts'
import { logChoose, logSumExp } from './special-functions.ts'

/**
 * ln of sum_j H(j; N, m, n) psi^j, where H is the hypergeometric probability of j bad devices among the n of the candidate, of m bad ones in N in all:
 * the normaliser of Fisher's noncentral hypergeometric distribution. One value for each psi; O(min(m, n)) each.
 */
export function logNoncentralNormalisers(candidate: number, stable: number, bad: number, psis: readonly number[]): number[] {
  assert(bad <= candidate + stable, 'no more devices are bad than there are')
  const low = Math.max(0, bad - stable)
  const high = Math.min(bad, candidate)
  // ratios of neighbouring probabilities avoid a log-gamma for each term
  const logs = [logChoose(candidate, low) + logChoose(stable, bad - low) - logChoose(candidate + stable, bad)]
  for (let j = low; j < high; j++) {
    const ratio = ((candidate - j) * (bad - j)) / ((j + 1) * (stable - bad + j + 1))
    logs.push((logs[j - low] ?? 0) + Math.log(ratio))
  }
  return psis.map((psi) => (psi === 1 ? 0 : logSumExp(logs.map((log, i) => log + (low + i) * Math.log(psi)))))
}

/**
 * P(X >= x) where X of the n drawn are marked, of t marked ones in n + m in all: the one-sided p of Fisher's exact test for an excess among the n.
 */
export function hypergeometricTail(x: number, n: number, m: number, t: number): number {
  const low = Math.max(0, t - m)
  const high = Math.min(t, n)
  if (x <= low) return 1
  if (x > high) return 0
  let log = logChoose(n, x) + logChoose(m, t - x) - logChoose(n + m, t)
  let tail = 0
  for (let j = x; j <= high; j++) {
    tail += Math.exp(log)
    const ratio = ((n - j) * (t - j)) / ((j + 1) * (m - t + j + 1))
    // beyond the mode terms only fall: what is left cannot matter
    if (ratio < 0.5 && Math.exp(log) < tail / 1e17) break
    log += Math.log(ratio)
  }
  return Math.min(1, tail)
}
