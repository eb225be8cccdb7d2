import { bisect } from './mixture.ts'

/** Leading factor: nearer to 1 / sqrt(2) the band is tighter late and wider early. */
const FACTOR = 0.85

/** Probability that the band with constant c is ever left, by the best ratio of epochs (Howard and Ramdas 2022, theorem 2). Unimodal in the ratio: golden sections. */
function failure(c: number): number {
  const at = (eta: number): number => {
    const gamma = (2 / eta) * (FACTOR - Math.sqrt((2 * (eta - 1)) / c)) ** 2
    return gamma <= 1 ? Infinity : 4 * Math.exp(-gamma * c) * (1 + 1 / ((gamma - 1) * Math.log(eta)))
  }
  const last = bisect((eta) => Math.sqrt(eta / 2) + Math.sqrt((2 * (eta - 1)) / c) > FACTOR, 1, 2 * FACTOR * FACTOR)
  const golden = (Math.sqrt(5) - 1) / 2
  let [low, high] = [1, last]
  for (let i = 0; i < 80; i++) {
    const [a, b] = [high - golden * (high - low), low + golden * (high - low)]
    if (at(a) < at(b)) high = b
    else low = a
  }
  return at((low + high) / 2)
}

/**
 * Half width of a band around the empirical distribution function of n values that holds the true one at every n >= `from` together, with probability 1 - alpha (Howard and
 * Ramdas 2022, "Sequential estimation of quantiles", theorem 2): how far a Kolmogorov-Smirnov distance may go, however often it is looked at. Infinite before.
 */
export function distributionBand(n: number, alpha: number, from: number): number {
  if (n < from) return Infinity
  const c = bisect((x) => failure(x) <= alpha, 1, 1000)
  return FACTOR * Math.sqrt((Math.log(1 + Math.log(n / from)) + c) / n)
}
