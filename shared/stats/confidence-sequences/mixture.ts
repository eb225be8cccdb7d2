import { assert } from '../../core/assert.ts'

/**
 * A mixture of exponential supermartingales for a sum s of centred values with intrinsic time v (Howard, Ramdas, McAuliffe, Sekhon 2021, "Time-uniform, nonparametric,
 * nonasymptotic confidence sequences"): without a drift its logarithm ever reaches ln(1 / alpha) with probability alpha at most, however often one looks.
 */
export type Mixture = {
  log(s: number, v: number): number
  /** The largest s that there can be at time v. */
  most?(v: number): number
}

/** The least s >= 0 at which the mixture reaches 1 / alpha at time v: what the sum passes, at any time, with probability alpha at most. By bisection. */
export function mixtureBound(mixture: Mixture, v: number, alpha: number): number {
  const threshold = Math.log(1 / alpha)
  let high = mixture.most?.(v) ?? v
  if (mixture.most) {
    if (mixture.log(high, v) < threshold) return high
  } else while (mixture.log(high, v) <= threshold) high *= 2
  assert(Number.isFinite(high), 'a mixture grows without bound')
  return bisect((s) => mixture.log(s, v) > threshold, 0, high)
}

/** Where `isAbove` begins to hold, between one end where it does not and another where it does; to 1e-12 of their distance. */
export function bisect(isAbove: (x: number) => boolean, below: number, above: number): number {
  let [from, to] = [below, above]
  for (let i = 0; i < 60 && Math.abs(to - from) > 1e-12 * Math.abs(above - below); i++) {
    const middle = (from + to) / 2
    if (isAbove(middle)) to = middle
    else from = middle
  }
  return (from + to) / 2
}
