import type { ErrorCode } from '../../../shared/core/errors.ts'
import { slug } from '../../../shared/core/fields.ts'
import { MAX_REPORT_BYTES } from '../../../shared/core/limits.ts'
import type { Report } from '../../../shared/stats/report.ts'
import type { ModelState } from '../storage/model-state.ts'
import type { WindowRecord } from './window-record.ts'

export type ReportName = { readonly epoch: string; readonly sequence: number }

const MINUTE_MS = 60_000

/** A report of what was counted. `unsent` goes with the first report of a flush only. */
export function buildReport(record: WindowRecord, name: ReportName, unsent: ModelState['unsent'] | null, dropped: number): Report {
  const errors: Report['errors'] = { ...record.errors }
  for (const [code, count] of Object.entries(unsent?.errors ?? {}) as [ErrorCode, number][]) errors[code] = (errors[code] ?? 0) + count
  const report: Report = {
    ...name,
    // to the minute: the exact moment someone used the app is nobody's business
    window: Math.floor(record.began / MINUTE_MS) * MINUTE_MS,
    model: slug.parse(record.model),
    version: record.version,
    manifest: record.manifest,
    predictions: record.predictions,
    counters: record.counters,
    calibration: record.calibration,
    latency: record.latency,
    outcomes: record.outcomes,
    firstWindow: unsent?.outcome ?? null,
    errors,
    // the schema takes 8 at most; the latest say most
    selfRollbacks: unsent?.selfRollbacks.slice(-8) ?? [],
    backend: record.backend,
    dropped,
  }
  return withinLimit(report)
}

/** Leaves out the counters of the largest features until the report fits; how many values that cost is said in `dropped`. */
function withinLimit(report: Report): Report {
  const size = (value: unknown) => JSON.stringify(value).length
  let fitting = report
  while (size(fitting) > MAX_REPORT_BYTES) {
    const largest = Object.entries(fitting.counters)
      .filter(([name]) => name !== 'prediction' && name !== 'confidence')
      .sort(([, a], [, b]) => size(b) - size(a))[0]
    if (largest === undefined) return fitting
    const { [largest[0]]: left, ...counters } = fitting.counters
    fitting = { ...fitting, counters, dropped: Math.min(1_000_000, fitting.dropped + (left?.n ?? 0)) }
  }
  return fitting
}
