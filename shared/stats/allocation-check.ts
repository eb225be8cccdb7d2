import { assert } from '../core/assert.ts'
import { logGamma } from './special-functions.ts'

/**
 * Sample ratio mismatch: whether devices arrive in the arms in the planned shares. They do not when one version cannot start, cannot report, or when the
 * assignment is broken; then nothing else that is compared means anything. Sequential multinomial test with a Dirichlet prior (Lindon, Malek 2022):
 * valid at every look, and across stages of a ramp, each with its own shares.
 */
export type AllocationState = {
  /** ln of the e-value over all stages so far. */
  readonly logE: number
  readonly peak: number
  /** Planned shares of the present stage, adding up to 1, and what the prior has learnt in it. */
  readonly shares: readonly number[]
  readonly prior: readonly number[]
  readonly n: number
}

function checkShares(shares: readonly number[]): void {
  assert(shares.length >= 2 && shares.every((share) => share > 0), 'every arm has a planned share above 0')
  assert(Math.abs(shares.reduce((sum, share) => sum + share, 0) - 1) < 1e-9, 'planned shares add up to 1')
}

export function startAllocationCheck(shares: readonly number[]): AllocationState {
  checkShares(shares)
  return { logE: 0, peak: 0, shares, prior: shares.map(() => 1), n: 0 }
}

/** The next stage of a ramp: other planned shares, evidence kept. */
export function changeShares(state: AllocationState, shares: readonly number[]): AllocationState {
  checkShares(shares)
  return { ...state, shares, prior: shares.map(() => 1) }
}

/** Distinct devices first seen since the last call, in each arm. */
export function addArrivals(state: AllocationState, arrivals: readonly number[]): AllocationState {
  assert(arrivals.length === state.shares.length, 'arrivals are given for each arm')
  const n = arrivals.reduce((sum, x) => sum + x, 0)
  const total = state.prior.reduce((sum, a) => sum + a, 0)
  let logE = state.logE + logGamma(total) - logGamma(total + n)
  arrivals.forEach((count, i) => {
    const a = state.prior[i] ?? 1
    logE += logGamma(a + count) - logGamma(a) - count * Math.log(state.shares[i] ?? 1)
  })
  return { ...state, logE, peak: Math.max(state.peak, logE), prior: state.prior.map((a, i) => a + (arrivals[i] ?? 0)), n: state.n + n }
}

/** Whether the arrivals have ever contradicted the plan; a false alarm has probability alpha at most. */
export const allocationMismatch = (state: AllocationState, alpha = 0.001): boolean => state.peak >= -Math.log(alpha)
