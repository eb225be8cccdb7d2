import * as z from 'zod'
import type { Evaluation } from '../../../shared/compute/metrics.ts'
import type { JsonObject } from '../../../shared/core/json.ts'

const interval = z.strictObject({ low: z.number(), high: z.number() })

/** What the `metrics` artifact holds. */
export const metricsDocument = z.strictObject({
  labels: z.array(z.string()),
  count: z.int(),
  accuracy: z.number(),
  interval,
  logLoss: z.number(),
  calibrationError: z.number(),
  confusion: z.array(z.array(z.int())),
  slices: z.array(z.strictObject({ slice: z.string(), count: z.int(), right: z.int(), accuracy: z.number(), interval })),
})
export type MetricsDocument = z.output<typeof metricsDocument>

export const metricsOf = (evaluation: Evaluation, labels: readonly string[]): MetricsDocument =>
  metricsDocument.parse({ ...evaluation, labels })

/** The figures that stand beside a run and a version: overall, and those of slices by source and other columns. */
export function figuresOf(metrics: MetricsDocument): JsonObject & Record<string, number> {
  const slices = metrics.slices
    .filter(({ slice }) => !slice.startsWith('label='))
    .map(({ slice, accuracy }) => [`accuracy ${slice}`, accuracy])
  const { accuracy, logLoss, calibrationError, count } = metrics
  return { accuracy, logLoss, calibrationError, testExamples: count, ...Object.fromEntries(slices) }
}
