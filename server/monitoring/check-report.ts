import type { Manifest } from '../../shared/trust/manifest.ts'
import type { AppError } from '../../shared/core/errors.ts'
import type { Result } from '../../shared/core/result.ts'
import { validateCalibration } from '../../shared/stats/calibration.ts'
import { validateCounters } from '../../shared/stats/counters.ts'
import { validateSketch } from '../../shared/stats/latency-sketch.ts'
import { validateOutcomes } from '../../shared/stats/outcomes.ts'
import { outcomeClasses } from '../../shared/trust/outcome-classes.ts'
import { CALIBRATION_BINS, type Report } from '../../shared/stats/report.ts'

export type ReportLimits = {
  /** Predictions, and pieces of feedback, that one report may speak of. */
  readonly maxPredictions: number
  /** How old a window may be, milliseconds: a device that was offline for longer is not counted any more. */
  readonly maxAgeMs: number
  /** How far ahead of the server a device's clock may be, milliseconds. */
  readonly maxSkewMs: number
}

export const REPORT_LIMITS: ReportLimits = { maxPredictions: 10_000, maxAgeMs: 14 * 24 * 60 * 60 * 1000, maxSkewMs: 60 * 60 * 1000 }

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0)

const firstIssue = (error: AppError): string => {
  const issue = error.issues[0]
  return issue === undefined ? error.detail : `${issue.where} ${issue.what}`
}

/**
 * What is impossible about a report that has its form: what no honest device with this manifest could have counted. Null when nothing is.
 * `now` is the server's clock.
 */
export function reportProblem(report: Report, manifest: Manifest, { now, limits }: { now: number; limits: ReportLimits }): string | null {
  if (report.window > now + limits.maxSkewMs)
    return `window is ${new Date(report.window).toISOString()}, which lies in the future: the device's clock is wrong`
  if (report.window < now - limits.maxAgeMs)
    return `window is ${new Date(report.window).toISOString()}, which is too long ago to be counted`
  if (report.predictions > limits.maxPredictions)
    return `predictions is ${report.predictions}, above the limit of ${limits.maxPredictions} for one report`
  const parts: Result<unknown>[] = [validateCounters(report.counters, manifest.references, { maximum: report.predictions })]
  if (report.calibration !== null) parts.push(validateCalibration(report.calibration, { bins: CALIBRATION_BINS }))
  if (report.latency !== null) parts.push(validateSketch(report.latency))
  if (report.outcomes !== null) parts.push(validateOutcomes(report.outcomes, { classes: outcomeClasses(manifest) }))
  for (const part of parts) if (!part.ok) return firstIssue(part.error)
  const { calibration, outcomes, latency } = report
  if (calibration !== null && total(calibration.n) + calibration.invalid > report.predictions) {
    return `calibration speaks of ${total(calibration.n) + calibration.invalid} predictions where ${report.predictions} were made`
  }
  if (latency !== null && latency.n + latency.invalid > limits.maxPredictions)
    return `latency.n is ${latency.n}, above the limit of ${limits.maxPredictions} for one report`
  // feedback may come for predictions of earlier windows, so that the predictions of this one do not bound it
  for (const [where, feedback] of [
    ['outcomes', outcomes === null ? 0 : total(outcomes.right) + total(outcomes.wrong)],
    ['calibration.outcomes', calibration === null ? 0 : total(calibration.outcomes)],
  ] as const) {
    if (feedback > limits.maxPredictions)
      return `${where} speaks of ${feedback} pieces of feedback, above the limit of ${limits.maxPredictions} for one report`
  }
  return null
}
