import { assert } from '../core/assert.ts'
import { type CalibrationCounts, meanConfidence } from './calibration.ts'

export type AccuracyEstimate = {
  /** Expected share of right predictions, 0 to 1. */
  readonly accuracy: number
  /** Standard error of that: chance of this sample, plus what the calibration itself was estimated with. */
  readonly standardError: number
  readonly n: number
}

/**
 * Confidence-based performance estimation (CBPE) from merged bins, without a single label: each bin is right as often as its calibration says.
 * Calibration is the share of right predictions in each bin of `calibration` (the validation set's counts from the manifest, or outcomes known in the
 * fleet), with the bin's mean confidence as a prior worth `priorWeight` outcomes; without it the confidences are taken at their word.
 * The chance part is sqrt(sum p (1-p)) / n. Blind to concept drift: it sees what the model is unsure of, not what it is wrong about.
 * Null where nothing was predicted.
 */
export function estimateAccuracy(
  counts: CalibrationCounts,
  { calibration, priorWeight = 2 }: { calibration?: CalibrationCounts; priorWeight?: number } = {},
): AccuracyEstimate | null {
  const bins = counts.n.length
  assert(calibration === undefined || calibration.n.length === bins, 'counts and calibration have the same bins')
  const n = counts.n.reduce((sum, value) => sum + value, 0)
  if (n === 0) return null
  const confidence = meanConfidence(counts)
  let right = 0
  let chance = 0
  let calibrationVariance = 0
  for (let bin = 0; bin < bins; bin++) {
    const inBin = counts.n[bin] ?? 0
    if (inBin === 0) continue
    const stated = confidence[bin] ?? 0
    const outcomes = calibration?.outcomes[bin] ?? 0
    const p = calibration === undefined ? stated : ((calibration.correct[bin] ?? 0) + priorWeight * stated) / (outcomes + priorWeight)
    right += inBin * p
    chance += inBin * p * (1 - p)
    if (calibration !== undefined) calibrationVariance += (inBin * inBin * p * (1 - p)) / (outcomes + priorWeight)
  }
  return { accuracy: right / n, standardError: Math.sqrt(chance + calibrationVariance) / n, n }
}
