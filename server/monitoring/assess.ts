import type { FeatureDrift, MonitoringWindow, Rate } from '../../shared/contract/monitoring.ts'
import { unwrap } from '../../shared/core/result.ts'
import { estimateAccuracy } from '../../shared/stats/accuracy-estimate.ts'
import { type DriftOptions, type DriftScore, type DriftVerdict, scoreDriftAll } from '../../shared/stats/drift.ts'
import { latencyQuantile, validateSketch } from '../../shared/stats/latency-sketch.ts'
import { wilsonInterval } from '../../shared/stats/wilson.ts'
import type { Manifest } from '../../shared/trust/manifest.ts'
import { feedbackOf, type WindowTotals } from './window-totals.ts'

/** Counts of one version over some span, and how many distinct devices they come from. */
export type Span = {
  readonly version: number
  readonly from: number
  readonly to: number
  readonly devices: number
  readonly reports: number
  readonly totals: WindowTotals
}

/** The reference of the model's own answers, kept apart from those of the inputs. */
export const PREDICTION = 'prediction'

const featureDrift = (score: DriftScore): FeatureDrift => ({
  feature: score.feature,
  status: score.status,
  distance: score.distances?.jensenShannonDistance ?? 0,
  effect: score.effect ?? null,
  p: score.p?.decision ?? 1,
  n: score.n,
  needMore: score.needMore?.devices ?? 0,
  sentence: score.sentence.slice(0, 1000),
})

/** An imported version has no data that its answers could be held against. */
const UNMEASURED: FeatureDrift = {
  feature: PREDICTION,
  status: 'insufficient',
  distance: 0,
  effect: null,
  p: 1,
  n: 0,
  needMore: 0,
  sentence: `${PREDICTION}: this version has no reference, so that its drift is not measured.`,
}

export function rateOf(successes: number, n: number): Rate {
  if (n === 0) return { value: null, low: null, high: null, n }
  return { value: successes / n, ...wilsonInterval(successes, n), n }
}

/** Drift of all that the manifest has a reference for, with the probability of any false alarm at one look bounded. */
export const driftOf = (span: Pick<Span, 'devices' | 'totals'>, manifest: Manifest, options: DriftOptions): DriftVerdict =>
  scoreDriftAll({ ...options, references: manifest.references, counters: span.totals.counters, devices: span.devices })

/** What one span says, in the form of the contract. */
export function assess(span: Span, manifest: Manifest, options: DriftOptions): MonitoringWindow {
  const { totals } = span
  const drift = driftOf(span, manifest, options).features.map(featureDrift)
  const feedback = feedbackOf(totals)
  const estimate = totals.calibration === null ? null : estimateAccuracy(totals.calibration)
  const latency = totals.latency === null ? null : unwrap(validateSketch(totals.latency))
  return {
    version: span.version,
    from: span.from,
    to: span.to,
    devices: span.devices,
    reports: span.reports,
    predictions: totals.predictions,
    accuracy: rateOf(feedback.right, feedback.n),
    estimated: { value: estimate?.accuracy ?? null, error: estimate?.standardError ?? null },
    features: drift.filter(({ feature }) => feature !== PREDICTION),
    predictionDrift: drift.find(({ feature }) => feature === PREDICTION) ?? UNMEASURED,
    latencyMs: {
      p50: latency === null ? null : latencyQuantile(latency, 0.5),
      p95: latency === null ? null : latencyQuantile(latency, 0.95),
    },
    errors: totals.errors,
    backends: totals.backends,
    selfRollbacks: Object.values(totals.selfRollbacks).reduce((sum, count) => sum + count, 0),
  }
}
