import { must } from '../../../shared/core/assert.ts'
import { wilsonInterval } from '../../../shared/stats/wilson.ts'

/**
 * What a version that answers with a number is held to: the distance from the truth within which `share` of these answers lie, and the share of answers beyond it that
 * the number of rows does not exclude (upper end of Wilson's interval).
 */
export function errorBoundOf(
  answers: Float32Array,
  truths: ArrayLike<number>,
  share: number,
): { readonly errorBound: number; readonly errorRate: number } {
  const errors = Float64Array.from(answers, (answer, i) => Math.abs(answer - Number(truths[i]))).sort()
  const errorBound = must(errors[Math.max(0, Math.ceil(share * errors.length) - 1)], 'a row')
  const beyond = errors.filter((error) => error > errorBound).length
  return { errorBound, errorRate: wilsonInterval(beyond, errors.length).high }
}
