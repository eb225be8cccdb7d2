import { AppError } from '../core/errors.ts'

export type Classified = { readonly probabilities: number[]; readonly predicted: number; readonly confidence: number }

/** A network's output as probabilities by label: one for each, or the second of two from a single sigmoid. Throws shape_mismatch, output_not_finite. */
export function readOutput(output: ArrayLike<number>, labels: readonly string[]): Classified {
  const values = Array.from(output)
  const single = values.length === 1 && labels.length === 2 ? (values[0] as number) : undefined
  const probabilities = single === undefined ? values : [1 - single, single]
  if (probabilities.length !== labels.length)
    throw new AppError('shape_mismatch', `the model answered with ${values.length} values for ${labels.length} labels`)
  let predicted = 0
  for (const [i, p] of probabilities.entries()) {
    if (!Number.isFinite(p)) throw new AppError('output_not_finite', `the probability of ${labels[i]} is ${p}`)
    if (p > (probabilities[predicted] as number)) predicted = i
  }
  return { probabilities, predicted, confidence: Math.min(1, Math.max(0, probabilities[predicted] ?? 0)) }
}

/** The output of a network that answers with one number. Throws shape_mismatch, output_not_finite. */
export function readNumber(output: ArrayLike<number>): number {
  const value = output[0]
  if (output.length !== 1 || value === undefined)
    throw new AppError('shape_mismatch', `the model has no labels and answered with ${output.length} values, where one number is read`)
  if (!Number.isFinite(value)) throw new AppError('output_not_finite', `the model answered with ${value}`)
  return value
}
