import { type DetectorState, designEffect, logRatio, MOVES, stepDetector } from './detector.ts'

/** Distinct devices that gave feedback, and what they gave. */
export type FeedbackBatch = { readonly wrong: number; readonly n: number; readonly devices: number }

export type AccuracyTerms = {
  /** Error rate that is still right, above 0: what was promised, and the margin. */
  readonly allowed: number
  readonly alpha: number
  /** How alike two pieces of feedback from one device are (intraclass correlation). */
  readonly correlation: number
}

/** Watches whether a version errs more often than allowed: likelihood ratios at higher rates. A batch without feedback changes nothing. */
export function stepAccuracyWatch(
  state: DetectorState,
  { wrong, n, devices }: FeedbackBatch,
  { allowed, alpha, correlation }: AccuracyTerms,
): { readonly state: DetectorState; readonly alarm: boolean } {
  if (n === 0 || allowed >= 1) return { state, alarm: false }
  const effect = designEffect(n, devices, correlation)
  const logE = MOVES.map((move) => logRatio(wrong, n, allowed + (1 - allowed) * move, allowed) / effect)
  return stepDetector(state, logE, alpha)
}
