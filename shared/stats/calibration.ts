import * as z from 'zod/mini'
import { assert } from '../core/assert.ts'
import { AppError, type Issue } from '../core/errors.ts'
import { fail, ok, type Result } from '../core/result.ts'
import { countSchema } from './numeric-reference.ts'

/** Probabilities are summed as whole multiples of 2^-16, so that merging is exact in any order. */
const PROBABILITY_STEPS = 65_536

/**
 * Predictions by their confidence (the probability of the predicted class), in equal bins over [0, 1]. Outcomes are the predictions whose truth came
 * to be known later. Also the serialised form.
 */
export const calibrationCountsSchema = z.strictObject({
  /** Predictions in each bin. */
  n: z.array(countSchema).check(z.minLength(2), z.maxLength(100)),
  /** Sum of the confidences in each bin, in 2^-16. */
  sumP: z.array(countSchema).check(z.minLength(2), z.maxLength(100)),
  /** Predictions in each bin whose truth is known, and those of them that were right. */
  outcomes: z.array(countSchema).check(z.minLength(2), z.maxLength(100)),
  correct: z.array(countSchema).check(z.minLength(2), z.maxLength(100)),
  /** Predictions without a confidence between 0 and 1: the model answered with values that are not finite. */
  invalid: countSchema,
})

export type CalibrationCounts = z.infer<typeof calibrationCountsSchema>

export function emptyCalibration(bins = 20): CalibrationCounts {
  const zeros = () => new Array<number>(bins).fill(0)
  return { n: zeros(), sumP: zeros(), outcomes: zeros(), correct: zeros(), invalid: 0 }
}

const isProbability = (p: number): boolean => p >= 0 && p <= 1

export const confidenceBin = (confidence: number, bins: number): number => Math.min(bins - 1, Math.floor(confidence * bins))

/** Counts one prediction into `counts`. */
export function countPrediction(counts: CalibrationCounts, confidence: number): void {
  if (!isProbability(confidence)) {
    counts.invalid++
    return
  }
  const bin = confidenceBin(confidence, counts.n.length)
  counts.n[bin] = (counts.n[bin] ?? 0) + 1
  counts.sumP[bin] = (counts.sumP[bin] ?? 0) + Math.round(confidence * PROBABILITY_STEPS)
}

/** Counts what became of a prediction that was made with this confidence, in this window or an earlier one. */
export function countOutcome(counts: CalibrationCounts, confidence: number, correct: boolean): void {
  if (!isProbability(confidence)) return
  const bin = confidenceBin(confidence, counts.n.length)
  counts.outcomes[bin] = (counts.outcomes[bin] ?? 0) + 1
  if (correct) counts.correct[bin] = (counts.correct[bin] ?? 0) + 1
}

/** Both windows as one. Exact, associative and commutative. */
export function mergeCalibration(a: CalibrationCounts, b: CalibrationCounts): CalibrationCounts {
  assert(a.n.length === b.n.length, 'calibration counts that are merged have the same bins')
  const add = (x: readonly number[], y: readonly number[]) => x.map((value, i) => value + (y[i] ?? 0))
  return {
    n: add(a.n, b.n),
    sumP: add(a.sumP, b.sumP),
    outcomes: add(a.outcomes, b.outcomes),
    correct: add(a.correct, b.correct),
    invalid: a.invalid + b.invalid,
  }
}

/** Mean confidence in each bin; NaN in an empty one. */
export const meanConfidence = (counts: CalibrationCounts): number[] =>
  counts.n.map((n, bin) => (n === 0 ? Number.NaN : (counts.sumP[bin] ?? 0) / PROBABILITY_STEPS / n))

/**
 * Expected calibration error over the predictions with known outcomes (Guo et al. 2017): mean over outcomes of |share right - mean confidence of the bin|.
 * Null where no outcome is known.
 */
export function calibrationError(counts: CalibrationCounts): number | null {
  const total = counts.outcomes.reduce((sum, n) => sum + n, 0)
  if (total === 0) return null
  const confidence = meanConfidence(counts)
  const bins = counts.n.length
  let error = 0
  for (let bin = 0; bin < bins; bin++) {
    const n = counts.outcomes[bin] ?? 0
    if (n === 0) continue
    // an outcome may arrive in a later window than its prediction: the middle of the bin stands in for a mean that was never counted here
    const expected = Number.isNaN(confidence[bin] ?? Number.NaN) ? (bin + 0.5) / bins : (confidence[bin] ?? 0)
    error += Math.abs((counts.correct[bin] ?? 0) - n * expected)
  }
  return error / total
}

/** Calibration counts as a device sent them, or what is impossible about them. Fails with invalid_input. */
export function validateCalibration(
  serialised: unknown,
  { bins, where = 'calibration' }: { bins: number; where?: string },
): Result<CalibrationCounts> {
  const parsed = calibrationCountsSchema.safeParse(serialised)
  if (!parsed.success) {
    const issues = parsed.error.issues.map((issue) => ({ where: [where, ...issue.path].join('.'), what: issue.message }))
    return fail(new AppError('invalid_input', 'the calibration counts do not have their form', { issues }))
  }
  const counts = parsed.data
  const issues: Issue[] = []
  for (const part of ['n', 'sumP', 'outcomes', 'correct'] as const) {
    if (counts[part].length !== bins)
      issues.push({ where: `${where}.${part}`, what: `has ${counts[part].length} bins where the manifest says ${bins}` })
  }
  for (let bin = 0; bin < bins && issues.length === 0; bin++) {
    const n = counts.n[bin] ?? 0
    const sum = counts.sumP[bin] ?? 0
    // rounding moves each confidence by half a step at most
    const low = n * ((bin / bins) * PROBABILITY_STEPS - 0.5)
    const high = n * (((bin + 1) / bins) * PROBABILITY_STEPS + 0.5)
    if (sum < low || sum > high)
      issues.push({ where: `${where}.sumP.${bin}`, what: `is ${sum}, which ${n} confidences of this bin cannot add up to` })
    if ((counts.correct[bin] ?? 0) > (counts.outcomes[bin] ?? 0))
      issues.push({ where: `${where}.correct.${bin}`, what: 'is larger than the outcomes known' })
  }
  if (issues.length > 0) return fail(new AppError('invalid_input', 'the calibration counts contradict themselves', { issues }))
  return ok(counts)
}
