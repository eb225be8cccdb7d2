import { betaRegularised, logBeta } from '../incomplete-beta.ts'
import type { Mixture } from './mixture.ts'
import { bestOneSided, bestPrecision, type Tuning } from './normal-mixture.ts'

export type BetaBinomialOptions = Tuning & {
  /** Values lie between -below and above around their mean. */
  readonly below: number
  readonly above: number
  readonly oneSided?: boolean
}

/** Sums of values with two ends, such as counts of a share (Howard et al. 2021, propositions 7 and 8). */
export function betaBinomial({ below: g, above: h, oneSided = false, ...tuning }: BetaBinomialOptions): Mixture {
  const r = Math.max((oneSided ? bestOneSided(tuning) : bestPrecision(tuning)) - g * h, 1e-3 * g * h)
  const width = g + h
  const cut = oneSided ? h / width : 1
  const logIncomplete = (a: number, b: number): number => logBeta(a, b) + (cut === 1 ? 0 : Math.log(betaRegularised(a, b, cut)))
  const front = logIncomplete(r / (g * width), r / (h * width))
  return {
    most: (v) => v / g,
    log: (s, v) =>
      (v / (g * h)) * Math.log(width) -
      ((v + h * s) / (h * width)) * Math.log(g) -
      ((v - g * s) / (g * width)) * Math.log(h) +
      logIncomplete((r + v - g * s) / (g * width), (r + v + h * s) / (h * width)) -
      front,
  }
}
