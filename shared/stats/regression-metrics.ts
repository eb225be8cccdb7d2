import { must } from '../core/assert.ts'

export type PredictedRows = { readonly predictions: ArrayLike<number>; readonly targets: ArrayLike<number> }

/** Shares of the absolute error that are told: half of the rows are closer than `errorP50`. */
const QUANTILES = { errorP50: 0.5, errorP90: 0.9, errorP95: 0.95 } as const

/**
 * A function of weights, as classifier() is. `mae`, `rmse`, `bias` (mean of prediction - target) and the quantiles of the absolute error are in the target's unit; `r2` is the share of
 * the variance that is explained, left out where the targets do not vary.
 */
export function regressor({ predictions, targets }: PredictedRows): (weights?: ArrayLike<number>) => Record<string, number> {
  const errors = Float64Array.from(
    { length: targets.length },
    (_, i) => must(predictions[i], 'a prediction') - must(targets[i], 'a target'),
  )
  const order = Int32Array.from(errors, (_, i) => i).sort((a, b) => Math.abs(errors[a] as number) - Math.abs(errors[b] as number))
  return (weights) => {
    const weight = weights === undefined ? () => 1 : (i: number) => weights[i] as number
    let [total, absolute, squares, sum, targetSum] = [0, 0, 0, 0, 0]
    for (const [i, error] of errors.entries()) {
      const w = weight(i)
      total += w
      absolute += w * Math.abs(error)
      squares += w * error * error
      sum += w * error
      targetSum += w * (targets[i] as number)
    }
    if (total === 0) return {}
    const mean = targetSum / total
    let spread = 0
    for (let i = 0; i < errors.length; i++) spread += weight(i) * ((targets[i] as number) - mean) ** 2
    return {
      mae: absolute / total,
      rmse: Math.sqrt(squares / total),
      ...(spread > 0 ? { r2: 1 - squares / spread } : {}),
      bias: sum / total,
      ...quantiles(order, (i) => Math.abs(errors[i] as number), weight, total),
    }
  }
}

/** The least absolute error that at least this share of the rows does not exceed; halfway to the next where it is met exactly, as a median is. */
function quantiles(
  order: Int32Array,
  error: (row: number) => number,
  weight: (row: number) => number,
  total: number,
): Record<string, number> {
  const found: Record<string, number> = {}
  for (const [name, share] of Object.entries(QUANTILES)) {
    let [passed, at] = [0, 0]
    while (at < order.length - 1 && passed + weight(order[at] as number) < share * total) passed += weight(order[at++] as number)
    const here = order[at] as number
    let next = at + 1
    while (next < order.length && weight(order[next] as number) === 0) next++
    const exact = passed + weight(here) === share * total && next < order.length
    found[name] = exact ? (error(here) + error(order[next] as number)) / 2 : error(here)
  }
  return found
}
