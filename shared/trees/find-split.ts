import type { BinnedFeature, BinnedRows } from './binned-rows.ts'
import type { Histogram } from './histogram.ts'

/** Sums over a node's rows. */
export type Sums = { readonly gradient: number; readonly hessian: number }

export type Split = {
  readonly column: number
  readonly feature: BinnedFeature
  /** Bins up to this one go left. */
  readonly bin: number
  readonly gain: number
  readonly left: Sums
}

export type SplitRules = {
  /** Added to the second derivatives of every leaf: pulls its value to 0. */
  readonly lambda: number
  /** Second derivatives that a leaf has at least; with squared errors the number of its rows. */
  readonly leastChildWeight: number
  readonly leastGain: number
}

type Search = SplitRules & {
  readonly binned: BinnedRows
  readonly offsets: readonly number[]
  readonly used: readonly number[]
  /** By feature: 1 where it may be asked about. */
  readonly allowed: Uint8Array
}

/** What a leaf adds (Chen & Guestrin 2016, eq. 5), before shrinkage. */
export const leafValue = ({ gradient, hessian }: Sums, lambda: number): number => -gradient / (hessian + lambda)

/** Twice what a leaf with its best value takes off the loss (eq. 6). */
const score = (gradient: number, hessian: number, lambda: number): number => (gradient * gradient) / (hessian + lambda)

/**
 * The question that takes most off the loss, to second order (Chen & Guestrin 2016, eq. 7 and algorithm 2): over all columns, features and bins, the first of equals. Undefined where none
 * gains more than `leastGain`.
 */
export function findSplit(histogram: Histogram, total: Sums, search: Search): Split | undefined {
  const { binned, offsets, used, allowed, lambda, leastChildWeight, leastGain } = search
  const parent = score(total.gradient, total.hessian, lambda)
  // gains are compared without their factor of one half
  let most = 2 * leastGain + parent + 1e-10 * Math.abs(parent)
  let best: Split | undefined
  for (const column of used) {
    const base = offsets[column] as number
    for (const feature of (binned.columns[column] as BinnedRows['columns'][number]).features) {
      if (allowed[feature.feature] !== 1) continue
      const { cuts, offset, zero } = feature
      const first = base + 2 * offset
      // rows at zero share a code with those of other features: they are what is left
      let [zeroGradient, zeroHessian] = [0, 0]
      if (zero >= 0) {
        ;[zeroGradient, zeroHessian] = [total.gradient, total.hessian]
        for (let at = first; at < first + 2 * cuts.length; at += 2) {
          zeroGradient -= histogram[at] as number
          zeroHessian -= histogram[at + 1] as number
        }
      }
      let [gradient, hessian] = [0, 0]
      for (let bin = 0, at = first; bin < cuts.length; bin++) {
        if (bin === zero) {
          gradient += zeroGradient
          hessian += zeroHessian
        } else {
          gradient += histogram[at] as number
          hessian += histogram[at + 1] as number
          at += 2
        }
        if (hessian < leastChildWeight) continue
        const restHessian = total.hessian - hessian
        if (restHessian < leastChildWeight) break
        const gained = score(gradient, hessian, lambda) + score(total.gradient - gradient, restHessian, lambda)
        if (gained <= most) continue
        most = gained
        best = { column, feature, bin, gain: (gained - parent) / 2, left: { gradient, hessian } }
      }
    }
  }
  return best
}
