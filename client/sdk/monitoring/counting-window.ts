import type { Sha256 } from '../../../shared/core/digest.ts'
import type { ErrorCode } from '../../../shared/core/errors.ts'
import {
  type CalibrationCounts,
  countOutcome,
  countPrediction,
  emptyCalibration,
  mergeCalibration,
} from '../../../shared/stats/calibration.ts'
import { type Counters, mergeCounters, type Observed, startCounting } from '../../../shared/stats/counters.ts'
import {
  countLatency,
  emptySketch,
  type LatencySketch,
  mergeSketches,
  sketchToJson,
  validateSketch,
} from '../../../shared/stats/latency-sketch.ts'
import { countFeedback, emptyOutcomes, mergeOutcomes, type OutcomeCounts } from '../../../shared/stats/outcomes.ts'
import { CALIBRATION_BINS, type Report } from '../../../shared/stats/report.ts'
import type { Manifest } from '../../../shared/trust/manifest.ts'
import { outcomeClasses } from '../../../shared/trust/outcome-classes.ts'
import type { WindowRecord } from './window-record.ts'

export type CountedAnswer = {
  /** Index among the labels; -1 without labels. */
  readonly predicted: number
  /** What is counted of the answer: its label, or its number. */
  readonly prediction: Observed
  readonly confidence: number
  readonly observed: Readonly<Record<string, Observed>>
  readonly ms: number
  readonly backend: Report['backend']
}

/** Counts what one version does, between two reports. */
export type CountingWindow = {
  readonly manifest: Sha256
  readonly predictions: number
  readonly began: number
  readonly empty: boolean
  answer(answer: CountedAnswer): void
  feedback(predicted: number, confidence: number, right: boolean): void
  error(code: ErrorCode): void
  /** Everything counted so far, as plain data. Counting goes on. */
  record(): WindowRecord
}

/** Starts to count against the manifest's references. */
export function startWindow(manifest: Manifest, digest: Sha256, began: number): CountingWindow {
  const counting = startCounting(manifest.references)
  const calibration: CalibrationCounts = emptyCalibration(CALIBRATION_BINS)
  const latency: LatencySketch = emptySketch()
  const outcomes: OutcomeCounts = emptyOutcomes(outcomeClasses(manifest))
  const errors: Report['errors'] = {}
  let counters: Counters = {}
  let predictions = 0
  let events = 0
  let backend: Report['backend'] = null
  return {
    manifest: digest,
    began,
    get predictions() {
      return predictions
    },
    get empty() {
      return events === 0
    },
    answer({ predicted, prediction, confidence, observed, ms, backend: on }) {
      predictions++
      events++
      backend = on
      counting.observeRow({ ...observed, prediction, confidence })
      // a model without labels is sure of nothing
      if (predicted >= 0) countPrediction(calibration, confidence)
      countLatency(latency, ms)
    },
    feedback(predicted, confidence, right) {
      events++
      if (predicted >= 0) countOutcome(calibration, confidence, right)
      // numbers are all of one class
      countFeedback(outcomes, Math.max(0, predicted), right)
    },
    error(code) {
      events++
      errors[code] = (errors[code] ?? 0) + 1
    },
    record() {
      counters = mergeCounters(counters, counting.take())
      const { model, version } = manifest
      return {
        model,
        version,
        manifest: digest,
        began,
        predictions,
        // made anew by each merge, and never changed after it; they are most of a record
        counters,
        calibration: structuredClone(calibration),
        latency: sketchToJson(latency),
        outcomes: structuredClone(outcomes),
        errors: { ...errors },
        backend,
      }
    },
  }
}

/** Two records of one version as one; the backend is the later one's. */
export function mergeRecords(a: WindowRecord, b: WindowRecord): WindowRecord {
  const [left, right] = [validateSketch(a.latency), validateSketch(b.latency)]
  const errors: Report['errors'] = { ...a.errors }
  for (const [code, count] of Object.entries(b.errors) as [ErrorCode, number][]) errors[code] = (errors[code] ?? 0) + count
  return {
    ...a,
    began: Math.min(a.began, b.began),
    predictions: a.predictions + b.predictions,
    counters: mergeCounters(a.counters, b.counters),
    calibration: mergeCalibration(a.calibration, b.calibration),
    latency: sketchToJson(mergeSketches(left.ok ? left.value : emptySketch(), right.ok ? right.value : emptySketch())),
    outcomes: mergeOutcomes(a.outcomes, b.outcomes),
    errors,
    backend: b.backend ?? a.backend,
  }
}
