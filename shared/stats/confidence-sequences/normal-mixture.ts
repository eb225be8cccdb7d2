import { normalTail } from '../special-functions.ts'
import type { Mixture } from './mixture.ts'

export type Tuning = {
  /** Intrinsic time for which the bound is the tightest. */
  readonly bestAt: number
  readonly alpha?: number
}

/** Precision of the mixing normal that makes the bound nearly the tightest at `bestAt` (Howard et al. 2021, proposition 3). */
export function bestPrecision({ bestAt, alpha = 0.05 }: Tuning): number {
  const log = 2 * Math.log(1 / alpha)
  return bestAt / (log + Math.log(1 + log))
}

/** For one side the same with twice the level. */
export const bestOneSided = ({ bestAt, alpha = 0.05 }: Tuning): number => bestPrecision({ bestAt, alpha: 2 * alpha })

/** Sub-Gaussian sums, both sides (proposition 5 there). */
export function twoSidedNormal(tuning: Tuning): Mixture {
  const rho = bestPrecision(tuning)
  return { log: (s, v) => Math.log(rho / (v + rho)) / 2 + (s * s) / (2 * (v + rho)) }
}

/** Sub-Gaussian sums from above (proposition 6 there). */
export function oneSidedNormal(tuning: Tuning): Mixture {
  const rho = bestOneSided(tuning)
  return {
    log: (s, v) => Math.log((4 * rho) / (v + rho)) / 2 + (s * s) / (2 * (v + rho)) + Math.log1p(-normalTail(s / Math.sqrt(v + rho))),
  }
}
