import { gammaP, gammaQ, logGamma } from '../special-functions.ts'
import type { Mixture } from './mixture.ts'
import { bestOneSided, type Tuning } from './normal-mixture.ts'

/** `scale`: of the jumps, in the unit of the sum. */
type Scaled = Tuning & { readonly scale: number }

/** Sub-exponential sums (Howard et al. 2021, proposition 9): of bounded values with estimated variance, say. */
export function gammaExponential({ scale, ...tuning }: Scaled): Mixture {
  const square = scale * scale
  const rho = bestOneSided(tuning) / square
  const front = rho * Math.log(rho) - logGamma(rho) - Math.log(gammaP(rho, rho))
  return {
    log(s, v) {
      const shape = v / square + rho
      const reach = (scale * s + v) / square
      return front + logGamma(shape) + Math.log(gammaP(shape, reach + rho)) - shape * Math.log(reach + rho) + reach
    },
  }
}

/** Sub-Poisson sums (proposition 10 there): of values that are bounded from above. */
export function gammaPoisson({ scale, ...tuning }: Scaled): Mixture {
  const square = scale * scale
  const rho = bestOneSided(tuning) / square
  const front = rho * Math.log(rho) - logGamma(rho) - Math.log(gammaQ(rho, rho))
  return {
    log(s, v) {
      const rate = v / square + rho
      const shape = s / scale + rate
      return front + logGamma(shape) + Math.log(gammaQ(shape, rate)) - shape * Math.log(rate) + v / square
    },
  }
}
