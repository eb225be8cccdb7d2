import { must } from '../core/assert.ts'
import { shapeMismatch } from '../tensor/tensor.ts'

/** Probabilities of `classes` classes for each example, one row after another. For `classes: 1` the probability of class 1. */
export type Predictions = { readonly values: Float32Array; readonly classes: number }

export type Interval = { readonly low: number; readonly high: number }

export type SliceMetrics = {
  readonly slice: string
  readonly count: number
  readonly right: number
  readonly accuracy: number
  readonly interval: Interval
}

export type Evaluation = {
  readonly count: number
  readonly accuracy: number
  /** 95 % Wilson interval of the accuracy. */
  readonly interval: Interval
  /** Mean of -ln of the probability given to the true class, which is held above 1e-7. */
  readonly logLoss: number
  /** Expected calibration error (Guo et al. 2017): mean distance of confidence from accuracy over 10 equal bins, weighted by their counts. */
  readonly calibrationError: number
  /** `confusion[true][predicted]` counts. */
  readonly confusion: readonly (readonly number[])[]
  readonly slices: readonly SliceMetrics[]
}

const BINS = 10

/** The 97.5 % quantile of the standard normal distribution: a two-sided 95 % interval. */
const Z95 = 1.959963984540054

/** Wilson's score interval for `right` of `count` (Wilson 1927): honest near 0 and 1 and for small counts. Of nothing, [0, 1]. */
export function wilson(right: number, count: number, z = Z95): Interval {
  if (count === 0) return { low: 0, high: 1 }
  const share = right / count
  const scale = 1 + z ** 2 / count
  const centre = (share + z ** 2 / (2 * count)) / scale
  const half = (z / scale) * Math.sqrt((share * (1 - share)) / count + z ** 2 / (4 * count ** 2))
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) }
}

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

function probabilityOf(predictions: Predictions, i: number, label: number): number {
  if (predictions.classes > 1) return must(predictions.values[i * predictions.classes + label], 'a probability')
  const one = must(predictions.values[i], 'a probability')
  return label === 1 ? one : 1 - one
}

/**
 * How good predictions are. `sliceOf` names the slices that example `i` belongs to; slices come back sorted by name.
 * Throws shape_mismatch when labels and predictions differ in number, or a label is no class.
 */
export function evaluatePredictions(
  predictions: Predictions,
  labels: ArrayLike<number>,
  sliceOf?: (i: number) => readonly string[],
): Evaluation {
  const { values, classes } = predictions
  const count = labels.length
  if (values.length !== count * classes)
    throw shapeMismatch('predictions', `${count * classes} values for ${count} labels of ${classes} classes`, `${values.length}`)
  const width = Math.max(2, classes)
  const confusion = Array.from({ length: width }, () => new Array<number>(width).fill(0))
  const bins = Array.from({ length: BINS }, () => ({ count: 0, confidence: 0, right: 0 }))
  const slices = new Map<string, { count: number; right: number }>()
  let right = 0
  let loss = 0
  for (let i = 0; i < count; i++) {
    const label = must(labels[i], 'a label')
    const row = confusion[label]
    if (row === undefined) throw shapeMismatch(`label ${i}`, `a class below ${width}`, `${label}`)
    const top = topClass(predictions, i)
    const hit = top.label === label ? 1 : 0
    row[top.label] = (row[top.label] ?? 0) + 1
    right += hit
    loss -= Math.log(Math.max(1e-7, probabilityOf(predictions, i, label)))
    const bin = must(bins[Math.min(BINS - 1, Math.max(0, Math.floor(top.confidence * BINS)))], 'a bin')
    bin.count += 1
    bin.confidence += top.confidence
    bin.right += hit
    for (const slice of sliceOf?.(i) ?? []) {
      const sums = slices.get(slice) ?? { count: 0, right: 0 }
      slices.set(slice, { count: sums.count + 1, right: sums.right + hit })
    }
  }
  const calibration = bins.reduce((sum, bin) => sum + Math.abs(bin.confidence - bin.right), 0)
  return {
    count,
    accuracy: count === 0 ? 0 : right / count,
    interval: wilson(right, count),
    logLoss: count === 0 ? 0 : loss / count,
    calibrationError: count === 0 ? 0 : calibration / count,
    confusion,
    slices: [...slices.entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([slice, sums]) => ({ slice, ...sums, accuracy: sums.right / sums.count, interval: wilson(sums.right, sums.count) })),
  }
}
