import type { Examples, Labels } from './examples.ts'
import { isRegression, type LossKind } from './loss.ts'

export type LabelledData = { readonly examples: Examples; readonly labels: Labels }

/** Sums over examples; `right` stays undefined for regression. */
export type Totals = { loss: number; right: number | undefined; count: number }

export const noTotals = (loss: LossKind): Totals => ({ loss: 0, right: isRegression(loss) ? undefined : 0, count: 0 })

export function addTotals(to: Totals, more: Totals): void {
  to.loss += more.loss
  to.count += more.count
  if (more.right !== undefined) to.right = (to.right ?? 0) + more.right
}

/** Means over examples. */
export const rates = ({ loss, right, count }: Totals) => ({
  loss: loss / count,
  ...(right === undefined ? {} : { accuracy: right / count }),
})
