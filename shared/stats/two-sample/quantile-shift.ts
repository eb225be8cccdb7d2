import { betaBinomial } from '../confidence-sequences/beta-binomial-mixture.ts'
import { pool } from './pooled.ts'
import type { TwoSampleResult } from './two-sample-test.ts'

export type QuantileShiftOptions = {
  /** 0.5 for the median. */
  readonly quantile: number
  /** Values a side for which the test is the sharpest. */
  readonly bestAt?: number
}

/** Where a convex function on 0 to 1 is least: golden sections. */
function least(f: (x: number) => number): number {
  const golden = (Math.sqrt(5) - 1) / 2
  let [low, high] = [0, 1]
  for (let i = 0; i < 60; i++) {
    const [a, b] = [high - golden * (high - low), low + golden * (high - low)]
    if (f(a) < f(b)) high = b
    else low = a
  }
  return (low + high) / 2
}

/**
 * Whether two streams have one quantile in common, by betting against each value that it could be (Howard and Ramdas 2022, "Sequential estimation of quantiles", theorem 3). p holds at
 * any number of values and however often one has looked before: an experiment may end as soon as it is small. The statistic is the current quantile less the reference's.
 */
export function quantileShift(
  reference: ArrayLike<number>,
  current: ArrayLike<number>,
  { quantile, bestAt = 100 }: QuantileShiftOptions,
): TwoSampleResult {
  const variance = quantile * (1 - quantile)
  const mixture = betaBinomial({ bestAt: variance * bestAt, below: quantile, above: 1 - quantile })
  const { values, ...counts } = pool(reference, current)
  /** Evidence against each pooled value: below it and at it lies any share between these two, the one that says least counts. */
  const evidence = ({ side, n }: { side: readonly number[]; n: number }): { logs: number[]; at: number } => {
    const log = (share: number): number => mixture.log((share - quantile) * n, variance * n)
    const middle = least(log)
    let below = 0
    let at = values.length - 1
    const logs = side.map((count, i) => {
      const shares = [below / n, (below + count) / n] as const
      below += count
      if (below > quantile * n && i < at) at = i
      return log(Math.min(Math.max(middle, shares[0]), shares[1]))
    })
    return { logs, at: values[at] as number }
  }
  const a = evidence({ side: counts.reference, n: reference.length })
  const b = evidence({ side: counts.current, n: current.length })
  const weakest = a.logs.reduce((all, log, i) => Math.min(all, log + (b.logs[i] as number)), Infinity)
  return { statistic: b.at - a.at, p: Math.min(1, Math.exp(-weakest)) }
}
