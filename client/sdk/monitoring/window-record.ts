import type { Sha256 } from '../../../shared/core/digest.ts'
import type { CalibrationCounts } from '../../../shared/stats/calibration.ts'
import type { Counters } from '../../../shared/stats/counters.ts'
import type { LatencyJson } from '../../../shared/stats/latency-sketch.ts'
import type { OutcomeCounts } from '../../../shared/stats/outcomes.ts'
import type { Report } from '../../../shared/stats/report.ts'

/** What was counted for one version since the last report: plain data, as it is kept across restarts. */
export type WindowRecord = {
  readonly model: string
  readonly version: number
  readonly manifest: Sha256
  /** Epoch milliseconds. */
  readonly began: number
  readonly predictions: number
  readonly counters: Counters
  readonly calibration: CalibrationCounts
  readonly latency: LatencyJson
  readonly outcomes: OutcomeCounts
  readonly errors: Report['errors']
  readonly backend: Report['backend']
}
