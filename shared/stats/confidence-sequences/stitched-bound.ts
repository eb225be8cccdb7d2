export type StitchingOptions = {
  /** Intrinsic time from which the bound holds. */
  readonly from: number
  /** Scale of the jumps; 0 for sub-Gaussian sums. */
  readonly scale?: number
  /** How fast the level is spent, and the ratio of the epochs over which it is. */
  readonly power?: number
  readonly ratio?: number
}

/** Riemann's zeta, for s > 1: a sum with Euler and Maclaurin's remainder. */
function zeta(s: number): number {
  const n = 20
  let sum = 0
  for (let k = 1; k < n; k++) sum += k ** -s
  return sum + n ** (1 - s) / (s - 1) + n ** -s / 2 + (s * n ** (-s - 1)) / 12 - (s * (s + 1) * (s + 2) * n ** (-s - 3)) / 720
}

/** Polynomially stitched bound of a sum at intrinsic time v (Howard et al. 2021, theorem 1, eq. 10): grows with the root of v ln ln v, the least that there can be. */
export function stitchedBound(v: number, alpha: number, { from, scale = 0, power = 1.4, ratio = 2 }: StitchingOptions): number {
  const first = (ratio ** 0.25 + ratio ** -0.25) / Math.SQRT2
  const second = ((Math.sqrt(ratio) + 1) / 2) * scale
  const time = Math.max(v, from)
  const level = power * Math.log(Math.log((ratio * time) / from)) + Math.log(zeta(power) / Math.log(ratio) ** power) + Math.log(1 / alpha)
  return Math.sqrt(first ** 2 * time * level + (second * level) ** 2) + second * level
}
