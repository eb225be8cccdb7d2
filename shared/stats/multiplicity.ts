/**
 * Which hypotheses Holm's step-down procedure (Holm 1979) rejects: the probability that any true one is among them is at most alpha, whatever the
 * dependence between the tests.
 */
export function holm(pValues: readonly number[], alpha: number): boolean[] {
  const order = pValues.map((p, i) => [p, i] as const).sort(([a], [b]) => a - b)
  const rejected = new Array<boolean>(pValues.length).fill(false)
  for (const [rank, [p, i]] of order.entries()) {
    if (p > alpha / (order.length - rank)) break
    rejected[i] = true
  }
  return rejected
}

/**
 * Which hypotheses e-BH (Wang, Ramdas 2022) rejects, from e-values given as logarithms: the k largest, for the largest k with e_(k) >= K / (k alpha).
 * The expected share of true ones among them is at most alpha, whatever the dependence.
 */
export function eBenjaminiHochberg(logE: readonly number[], alpha: number): boolean[] {
  const order = logE.map((e, i) => [e, i] as const).sort(([a], [b]) => b - a)
  const rejected = new Array<boolean>(logE.length).fill(false)
  const k = order.findLastIndex(([e], rank) => e >= Math.log(order.length / ((rank + 1) * alpha)))
  for (const [, i] of order.slice(0, k + 1)) rejected[i] = true
  return rejected
}
