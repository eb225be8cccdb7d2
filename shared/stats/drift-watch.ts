import type { Counts } from './counters.ts'
import { cellTotals, driftCells } from './drift-cells.ts'
import type { Reference } from './reference.ts'
import { logAddExp, logMeanExp } from './special-functions.ts'

/**
 * Watches one feature for ever, window by window. A test that is repeated each hour must fail sooner or later; an e-detector (Shin, Ramdas, Rinaldo 2022)
 * promises a rate instead: without a change, alarms are at least 1/alpha windows apart on average. Shiryaev-Roberts form: M = (M + 1) E.
 */
export type DriftWatchState = {
  /** ln M of the running sum; null is ln 0. */
  readonly logM: number | null
  readonly windows: number
  readonly alarms: number
  /** Window of the last alarm, counted from 1; 0 without one. */
  readonly lastAlarm: number
}

export type DriftWatchOptions = {
  /** One false alarm in 1/alpha windows at most, on average. Default 1/2160: one in 90 days of hours. */
  readonly alpha?: number
  /** How far a cell's share may move without mattering. Default 0.02. */
  readonly tolerance?: number
  /** Distinct devices in this window; see drift.ts on why values of one device count for less. */
  readonly devices?: number
  readonly correlation?: number
}

export type DriftWatchStep = {
  readonly state: DriftWatchState
  readonly alarm: boolean /** ln of this window's e-value. */
  readonly logE: number
}

export const startDriftWatch = (): DriftWatchState => ({ logM: null, windows: 0, alarms: 0, lastAlarm: 0 })

/** How far towards 1 (or 0) the alternatives of a cell's share lie: from a small move to nearly everything. */
const MOVES = [0.05, 0.15, 0.4, 0.8]

/** ln of the likelihood ratio of x in n, share q against share p. */
const logRatio = (x: number, n: number, q: number, p: number): number => x * Math.log(q / p) + (n - x) * Math.log((1 - q) / (1 - p))

/**
 * ln of an e-value for "every cell's share lies within the tolerance of its reference's", from one window: the mean over cells, both sides and a few sizes
 * of move of binomial likelihood ratios at the border of what is tolerated. The tolerance is widened by two standard errors of the reference's share.
 */
export function windowLogE(reference: Reference, counts: Counts, options: DriftWatchOptions = {}): number {
  const { tolerance = 0.02, devices, correlation = 0.05 } = options
  const cells = driftCells(reference, counts)
  const totals = cellTotals(cells)
  if (totals.current === 0 || totals.reference === 0) return 0
  const designEffect = devices === undefined || devices === 0 ? 1 : Math.max(1, 1 + (totals.current / devices - 1) * correlation)
  const n = totals.current
  const logs: number[] = []
  for (const cell of [...cells.ordered, ...cells.unordered]) {
    const share = cell.reference / totals.reference
    const slack = tolerance + 2 * Math.sqrt(((share + 1 / totals.reference) * (1 - share)) / totals.reference)
    const high = share + slack
    const low = share - slack
    for (const move of MOVES) {
      if (high < 1) logs.push(logRatio(cell.current, n, high + (1 - high) * move, high))
      if (low > 0) logs.push(logRatio(cell.current, n, low * (1 - move), low))
    }
  }
  // e^(1/d) of an e-value e is one too (Jensen), and right where d values say the same thing
  return logs.length === 0 ? 0 : logMeanExp(logs.map((log) => log / designEffect))
}

/** One window later. After an alarm the watch starts anew, so alarms repeat while the change lasts. */
export function stepDriftWatch(
  state: DriftWatchState,
  window: { reference: Reference; counters: Counts },
  options: DriftWatchOptions = {},
): DriftWatchStep {
  const { alpha = 1 / 2160 } = options
  const logE = windowLogE(window.reference, window.counters, options)
  const logM = logAddExp(state.logM ?? -Infinity, 0) + logE
  const windows = state.windows + 1
  const alarm = logM >= -Math.log(alpha)
  if (alarm) return { state: { logM: null, windows, alarms: state.alarms + 1, lastAlarm: windows }, alarm, logE }
  return { state: { ...state, logM, windows }, alarm, logE }
}
