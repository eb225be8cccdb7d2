import type { Counts } from '../../shared/stats/counters.ts'
import { cellTotals, driftCells } from '../../shared/stats/drift-cells.ts'
import type { Reference } from '../../shared/stats/reference.ts'
import { type DetectorState, designEffect, logRatio, MOVES, stepDetector } from './detector.ts'

export type FeatureTerms = {
  readonly alpha: number
  /** How far a cell's share may move without mattering. */
  readonly tolerance: number
  /** Distinct devices in this batch, and how alike two values of one device are (intraclass correlation). */
  readonly devices: number
  readonly correlation: number
}

/**
 * ln of e-values for "every cell's share lies within the tolerance of its reference's", one for each cell, side and size of move: binomial likelihood
 * ratios at the border of what is tolerated. The tolerance is widened by two standard errors of the reference's share.
 */
export function featureLogE(
  reference: Reference,
  counts: Counts,
  { tolerance, devices, correlation }: Omit<FeatureTerms, 'alpha'>,
): number[] {
  const cells = driftCells(reference, counts)
  const { reference: m, current: n } = cellTotals(cells)
  if (m === 0) return []
  const effect = designEffect(n, devices, correlation)
  const logs: number[] = []
  for (const cell of [...cells.ordered, ...cells.unordered]) {
    const share = cell.reference / m
    const slack = tolerance + 2 * Math.sqrt(((share + 1 / m) * (1 - share)) / m)
    const high = share + slack
    const low = share - slack
    for (const move of MOVES) {
      // e^(1/d) of an e-value e is one too (Jensen), and right where d values say the same thing
      if (high < 1) logs.push(logRatio(cell.current, n, high + (1 - high) * move, high) / effect)
      if (low > 0) logs.push(logRatio(cell.current, n, low * (1 - move), low) / effect)
    }
  }
  return logs
}

/** One batch later. A batch without values of this feature changes nothing. */
export function stepFeatureWatch(
  state: DetectorState,
  reference: Reference,
  counts: Counts,
  terms: FeatureTerms,
): { readonly state: DetectorState; readonly alarm: boolean } {
  if (cellTotals(driftCells(reference, counts)).current === 0) return { state, alarm: false }
  return stepDetector(state, featureLogE(reference, counts, terms), terms.alpha)
}
