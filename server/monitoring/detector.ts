import { logAddExp, logMeanExp } from '../../shared/stats/special-functions.ts'

/**
 * Watches for ever for any of several changes. A test that is repeated must fail sooner or later; an e-detector (Shin, Ramdas, Rinaldo 2022) promises a
 * rate instead: without a change, alarms are at least 1/alpha batches apart on average, however often one looks. One Shiryaev-Roberts sum,
 * M = (M + 1) E, for each alternative, and their mean: evidence for a small change adds up over batches, which it would not if the
 * alternatives were averaged within each batch.
 */
export type DetectorState = {
  /** ln of the sum for each alternative; null before the first batch and after an alarm. */ readonly logM: readonly number[] | null
  readonly batches: number
  readonly alarms: number
}

export const startDetector = (): DetectorState => ({ logM: null, batches: 0, alarms: 0 })

/** A millionth is nothing against a threshold of ln(1/alpha), and keeps what is stored short. */
const rounded = (x: number): number => Math.round(x * 1e6) / 1e6

/** One batch later. `logE`: ln of an e-value for each alternative, in the same order every time. After an alarm the watch starts anew. */
export function stepDetector(
  state: DetectorState,
  logE: readonly number[],
  alpha: number,
): { readonly state: DetectorState; readonly alarm: boolean } {
  const logM = logE.map((e, i) => rounded(logAddExp(state.logM?.[i] ?? -Infinity, 0) + e))
  const alarm = logM.length > 0 && logMeanExp(logM) >= -Math.log(alpha)
  return { state: { logM: alarm ? null : logM, batches: state.batches + 1, alarms: state.alarms + (alarm ? 1 : 0) }, alarm }
}

/** How far towards 1 (or 0) the alternatives of a share lie: from a small move to nearly everything. */
export const MOVES = [0.05, 0.15, 0.4, 0.8] as const

/** ln of the likelihood ratio of x in n, share q against share p. */
export const logRatio = (x: number, n: number, q: number, p: number): number => x * Math.log(q / p) + (n - x) * Math.log((1 - q) / (1 - p))

/** Values of one device are not independent: n of them from so many devices count for 1/d as much (Kish's design effect). At least 1. */
export const designEffect = (n: number, devices: number, correlation: number): number =>
  devices === 0 ? 1 : Math.max(1, 1 + (n / devices - 1) * correlation)
