import { must } from '../core/assert.ts'

/** Probabilities of `classes` classes for each example, one row after another. For `classes: 1` the probability of class 1. */
export type Predictions = { readonly values: Float32Array; readonly classes: number }

/** The predicted class of example `i` and the probability it was given. Ties go to the lower class. */
export function topClass(predictions: Predictions, i: number): { label: number; confidence: number } {
  const { values, classes } = predictions
  if (classes === 1) {
    const one = must(values[i], 'a probability')
    return one > 0.5 ? { label: 1, confidence: one } : { label: 0, confidence: 1 - one }
  }
  let label = 0
  let confidence = must(values[i * classes], 'a probability')
  for (let c = 1; c < classes; c++) {
    const value = values[i * classes + c] as number
    if (value > confidence) {
      label = c
      confidence = value
    }
  }
  return { label, confidence }
}
