import * as z from 'zod/mini'
import { assert } from '../core/assert.ts'
import { countSchema } from './numeric-reference.ts'
import { logMeanExp } from './special-functions.ts'

/**
 * A device's own test of the error rate that the manifest promises: works offline, needs nobody. The mean over some higher rates q of the likelihood ratio
 * against the promised p0; by Ville's inequality a device whose true rate is p0 or lower breaks the promise with probability alpha at most, however
 * long it runs. In a fleet of F devices expect up to F alpha false returns per version.
 */
const MULTIPLES = [2, 5, 10, 20] as const

export const promisedErrorSchema = z.strictObject({
  n: countSchema,
  errors: countSchema,
  /** ln of the likelihood ratio for each rate looked for. */
  logRatios: z.array(z.number()).check(z.length(MULTIPLES.length)),
  broken: z.boolean(),
})

export type PromisedErrorState = z.infer<typeof promisedErrorSchema>

export const startPromisedError = (): PromisedErrorState => ({ n: 0, errors: 0, logRatios: MULTIPLES.map(() => 0), broken: false })

/** A multiple of p0, kept away from 1 by half of what is left: rates promised above 5 % have no room for twenty times as many. */
const alternative = (p0: number, multiple: number): number => Math.min(p0 * multiple, (1 + p0) / 2)

export type PromiseTerms = { /** The promised error rate, 0 < p0 < 1. */ readonly promised: number; readonly alpha?: number }

/** After one more prediction of known outcome. Once broken stays broken: the device has gone back and does not return by itself. */
export function countPromise(state: PromisedErrorState, error: boolean, { promised, alpha = 0.001 }: PromiseTerms): PromisedErrorState {
  assert(promised > 0 && promised < 1, 'the promised error rate lies between 0 and 1')
  const logRatios = MULTIPLES.map((multiple, i) => {
    const q = alternative(promised, multiple)
    return (state.logRatios[i] ?? 0) + (error ? Math.log(q / promised) : Math.log((1 - q) / (1 - promised)))
  })
  return {
    n: state.n + 1,
    errors: state.errors + (error ? 1 : 0),
    logRatios,
    broken: state.broken || logMeanExp(logRatios) >= -Math.log(alpha),
  }
}
