import { must } from '../../../shared/core/assert.ts'
import { AppError } from '../../../shared/core/errors.ts'
import { answersWithNumber, type Preparation } from './example-form.ts'
import type { Recipe } from './recipe.ts'

/** One factor of the loss for each label, in their order; undefined where all count alike. Throws invalid_input for labels that are not the model's, and for regression. */
export function classWeightsOf(
  { classWeights }: Pick<Recipe, 'classWeights'>,
  prepared: Pick<Preparation, 'labels'>,
  rows: ArrayLike<number>,
): number[] | undefined {
  const { labels } = prepared
  if (classWeights === undefined) return undefined
  if (answersWithNumber(prepared)) throw new AppError('invalid_input', 'class weights need labels: this model answers with a number')
  if (classWeights !== 'balanced') {
    const unknown = Object.keys(classWeights).filter((name) => !labels.includes(name))
    if (unknown.length > 0)
      throw new AppError('invalid_input', `class weights name ${unknown.join(', ')}; the labels are ${labels.join(', ')}`)
    return labels.map((name) => classWeights[name] ?? 1)
  }
  const counts = new Array<number>(labels.length).fill(0)
  for (let i = 0; i < rows.length; i++) counts[must(rows[i], 'a label')] = (counts[must(rows[i], 'a label')] ?? 0) + 1
  const present = counts.filter((count) => count > 0).length
  // a label without a row has no loss to weigh
  return counts.map((count) => (count === 0 ? 1 : rows.length / (present * count)))
}
