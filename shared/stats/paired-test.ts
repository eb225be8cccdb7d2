import { logChoose, logSumExp } from './special-functions.ts'

/**
 * McNemar's exact test (McNemar 1947): two models answered the same rows, `onlyFirst` of them right by the first alone, `onlySecond` by the second alone. The probability, if both were equally
 * good, of a split at least as much in the first's favour: Binomial(n, 1/2) at or above `onlyFirst`.
 */
export function mcnemarBetter(onlyFirst: number, onlySecond: number): number {
  const n = onlyFirst + onlySecond
  if (onlyFirst === 0) return 1
  const terms = Array.from({ length: onlySecond + 1 }, (_, k) => logChoose(n, k))
  return Math.min(1, Math.exp(logSumExp(terms) - n * Math.LN2))
}

/** The same in either direction. */
export const mcnemar = (onlyFirst: number, onlySecond: number): number =>
  Math.min(1, 2 * mcnemarBetter(Math.max(onlyFirst, onlySecond), Math.min(onlyFirst, onlySecond)))
