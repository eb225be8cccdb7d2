import { AppError } from '../../shared/core/errors.ts'
import type { RecentAnswer } from './recent-answers.ts'

/**
 * Whether an answer counts as right: its label is the true one, or its number lies within the version's error bound of the true one. Throws `invalid_input` for a
 * truth that the version cannot be held against.
 */
export function isRight({ manifest, predicted, number }: RecentAnswer, truth: string | number | null): boolean {
  const { labels, model, promised } = manifest
  if (labels.length > 0) {
    if (typeof truth === 'number' || (truth !== null && !labels.includes(truth))) {
      const known = labels.slice(0, 20).join(', ')
      throw new AppError('invalid_input', `${JSON.stringify(truth)} is not one of the labels of ${model}: ${known}; null says none of them`)
    }
    return truth === labels[predicted]
  }
  if (promised.errorBound === undefined || number === undefined)
    throw new AppError(
      'invalid_input',
      `${model} has no labels and promises no error bound, so that no answer of it can be called right or wrong`,
    )
  if (typeof truth !== 'number' || !Number.isFinite(truth))
    throw new AppError(
      'invalid_input',
      `${model} answers with a number: the truth is ${typeof truth === 'string' ? JSON.stringify(truth) : String(truth)}, expected a finite number`,
    )
  return Math.abs(number - truth) <= promised.errorBound
}
