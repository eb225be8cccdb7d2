import type { ClassifiedRows } from './classification-metrics.ts'

export type ReliabilityBin = {
  readonly low: number
  readonly high: number
  readonly count: number
  readonly confidence: number
  readonly accuracy: number
}

const BINS = 10

/** Answers by their confidence in ten equal bins: how sure they were, and how often right (Guo et al. 2017). Bins without a row are left out. */
export function reliabilityBins(
  { probabilities, classes, labels }: ClassifiedRows,
  answers: ArrayLike<number>,
  weights?: ArrayLike<number>,
): ReliabilityBin[] {
  const sums = Array.from({ length: BINS }, () => ({ count: 0, confidence: 0, right: 0 }))
  for (let i = 0; i < labels.length; i++) {
    const w = weights === undefined ? 1 : (weights[i] as number)
    const answer = answers[i] as number
    const confidence = probabilities[i * classes + answer] as number
    const bin = sums[Math.min(BINS - 1, Math.max(0, Math.floor(confidence * BINS)))]
    if (w === 0 || bin === undefined) continue
    bin.count += w
    bin.confidence += w * confidence
    if (answer === labels[i]) bin.right += w
  }
  return sums.flatMap(({ count, confidence, right }, at) =>
    count === 0 ? [] : [{ low: at / BINS, high: (at + 1) / BINS, count, confidence: confidence / count, accuracy: right / count }],
  )
}

/** Expected calibration error (Guo et al. 2017): the mean distance of confidence from accuracy, weighted by the rows of each bin. */
export function calibrationErrorOf(bins: readonly ReliabilityBin[]): number {
  const total = bins.reduce((sum, { count }) => sum + count, 0)
  const apart = bins.reduce((sum, { count, confidence, accuracy }) => sum + count * Math.abs(confidence - accuracy), 0)
  return total === 0 ? 0 : apart / total
}
