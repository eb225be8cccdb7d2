import * as z from 'zod/mini'
import { unwrap } from '../../shared/core/result.ts'
import { calibrationCountsSchema, mergeCalibration } from '../../shared/stats/calibration.ts'
import { countersSchema, mergeCounters } from '../../shared/stats/counters.ts'
import { type LatencyJson, latencyJsonSchema, mergeSketches, sketchToJson, validateSketch } from '../../shared/stats/latency-sketch.ts'
import { countSchema } from '../../shared/stats/numeric-reference.ts'
import { mergeOutcomes, outcomeCountsSchema } from '../../shared/stats/outcomes.ts'
import type { Report } from '../../shared/stats/report.ts'

/** Everything that was counted for one version over some reports, added up. Plain JSON; adding is exact, in any order. */
export const windowTotalsSchema = z.strictObject({
  predictions: countSchema,
  counters: countersSchema,
  calibration: z.nullable(calibrationCountsSchema),
  latency: z.nullable(latencyJsonSchema),
  outcomes: z.nullable(outcomeCountsSchema),
  errors: z.record(z.string(), countSchema),
  /** Reports by the backend that answered. */
  backends: z.record(z.string(), countSchema),
  /** Devices that left this version by themselves, by the code they gave. */
  selfRollbacks: z.record(z.string(), countSchema),
  dropped: countSchema,
})
export type WindowTotals = z.infer<typeof windowTotalsSchema>

export const emptyTotals = (): WindowTotals => ({
  predictions: 0,
  counters: {},
  calibration: null,
  latency: null,
  outcomes: null,
  errors: {},
  backends: {},
  selfRollbacks: {},
  dropped: 0,
})

/** A report's own counts. Its self-rollbacks are not among them: they belong to the version that was left (see selfRollbackTotals). */
export const reportTotals = (report: Report): WindowTotals => ({
  predictions: report.predictions,
  counters: report.counters,
  calibration: report.calibration,
  latency: report.latency,
  outcomes: report.outcomes,
  errors: report.errors as Record<string, number>,
  backends: report.backend === null ? {} : { [report.backend]: 1 },
  selfRollbacks: {},
  dropped: report.dropped,
})

export const selfRollbackTotals = (code: string): WindowTotals => ({ ...emptyTotals(), selfRollbacks: { [code]: 1 } })

const addRecords = (a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Record<string, number> => {
  const sum: Record<string, number> = { ...a }
  for (const [name, count] of Object.entries(b)) sum[name] = (Object.hasOwn(sum, name) ? (sum[name] ?? 0) : 0) + count
  return sum
}

const both = <T>(a: T | null, b: T | null, merge: (a: T, b: T) => T): T | null => (a === null ? b : b === null ? a : merge(a, b))

const mergeLatency = (a: LatencyJson, b: LatencyJson): LatencyJson =>
  sketchToJson(mergeSketches(unwrap(validateSketch(a)), unwrap(validateSketch(b))))

/** Both as one. Exact, associative and commutative. Both must have been validated against the same manifest. */
export const mergeTotals = (a: WindowTotals, b: WindowTotals): WindowTotals => ({
  predictions: a.predictions + b.predictions,
  counters: mergeCounters(a.counters, b.counters),
  calibration: both(a.calibration, b.calibration, mergeCalibration),
  latency: both(a.latency, b.latency, mergeLatency),
  outcomes: both(a.outcomes, b.outcomes, mergeOutcomes),
  errors: addRecords(a.errors, b.errors),
  backends: addRecords(a.backends, b.backends),
  selfRollbacks: addRecords(a.selfRollbacks, b.selfRollbacks),
  dropped: a.dropped + b.dropped,
})

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

/** Right answers among those that people confirmed or corrected. */
export const feedbackOf = ({ outcomes }: Pick<WindowTotals, 'outcomes'>): { right: number; n: number } => {
  if (outcomes === null) return { right: 0, n: 0 }
  const right = sum(outcomes.right)
  return { right, n: right + sum(outcomes.wrong) }
}
