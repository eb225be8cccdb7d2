import { assert } from '../core/assert.ts'
import { normalCritical } from './special-functions.ts'

export type Interval = { readonly low: number; readonly high: number }

/**
 * Wilson's score interval for a share (Wilson 1927), two-sided with the given confidence. For one fixed look: whoever peeks at every report and acts
 * needs the e-processes instead. No observations give [0, 1].
 */
export function wilsonInterval(successes: number, n: number, confidence = 0.95): Interval {
  assert(successes >= 0 && successes <= n, 'successes lie between 0 and n')
  if (n === 0) return { low: 0, high: 1 }
  const z2 = normalCritical((1 - confidence) / 2) ** 2
  const share = successes / n
  const centre = (share + z2 / (2 * n)) / (1 + z2 / n)
  const half = (Math.sqrt(z2) / (1 + z2 / n)) * Math.sqrt((share * (1 - share)) / n + z2 / (4 * n * n))
  return { low: successes === 0 ? 0 : Math.max(0, centre - half), high: successes === n ? 1 : Math.min(1, centre + half) }
}
