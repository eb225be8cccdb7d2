import type { JsonObject } from '../../shared/core/json.ts'
import { estimateAccuracy } from '../../shared/stats/accuracy-estimate.ts'
import { type DriftScore, scoreDriftAll } from '../../shared/stats/drift.ts'
import { wilsonInterval } from '../../shared/stats/wilson.ts'
import type { Manifest } from '../../shared/trust/manifest.ts'
import { stepAccuracyWatch } from './accuracy-watch.ts'
import { type DetectorState, startDetector } from './detector.ts'
import { stepFeatureWatch } from './feature-watch.ts'
import type { MonitoringSettings } from './settings.ts'
import { feedbackOf, type WindowTotals } from './window-totals.ts'

/** A closed batch of reports: what decisions are made on. */
export type Batch = {
  readonly number: number
  readonly totals: WindowTotals /** Distinct devices. */
  readonly devices: number /** Those of them that gave feedback. */
  readonly feedbackDevices: number
}

/** What the perpetual watch of one version remembers between batches. Plain JSON. */
export type WatchState = {
  /** Number of the last batch that was taken in. */
  readonly taken: number
  readonly features: Readonly<Record<string, DetectorState>>
  readonly accuracy: DetectorState
  /** Features whose watch has raised an alarm and that were not found in order since. */
  readonly alarmed: readonly string[]
  readonly accuracyAlarmed: boolean
}

export const startWatch = (): WatchState => ({
  taken: 0,
  features: {},
  accuracy: startDetector(),
  alarmed: [],
  accuracyAlarmed: false,
})

type Settings = Pick<
  MonitoringSettings,
  | 'driftAlpha'
  | 'driftMargin'
  | 'watchAlpha'
  | 'tolerance'
  | 'correlation'
  | 'accuracyMargin'
  | 'minimumFeedback'
  | 'minimumDevices'
  | 'minimumValues'
>

/** Takes in the next closed batch. One alarm rate for the whole version: it is shared among the features and the accuracy. */
export function takeBatch(state: WatchState, batch: Batch, manifest: Manifest, settings: Settings): WatchState {
  const names = Object.keys(manifest.references)
  const alpha = settings.watchAlpha / (names.length + 1)
  const features: Record<string, DetectorState> = { ...state.features }
  const alarmed = new Set(state.alarmed)
  for (const [name, reference] of Object.entries(manifest.references)) {
    const counters = batch.totals.counters[name]
    if (counters === undefined) continue
    const { tolerance, correlation } = settings
    const step = stepFeatureWatch(features[name] ?? startDetector(), reference, counters, {
      alpha,
      tolerance,
      correlation,
      devices: batch.devices,
    })
    features[name] = step.state
    if (step.alarm) alarmed.add(name)
  }
  const { right, n } = feedbackOf(batch.totals)
  const allowed = allowedErrorRate(manifest, settings)
  const accuracy = stepAccuracyWatch(
    state.accuracy,
    { wrong: n - right, n, devices: batch.feedbackDevices },
    { allowed, alpha, correlation: settings.correlation },
  )
  return {
    taken: batch.number,
    features,
    accuracy: accuracy.state,
    alarmed: [...alarmed],
    accuracyAlarmed: state.accuracyAlarmed || accuracy.alarm,
  }
}

const allowedErrorRate = (manifest: Manifest, { accuracyMargin }: Settings): number =>
  Math.min(1, manifest.promised.errorRate + accuracyMargin)

export type VerdictKind = 'drift' | 'degradation'
/** Something that a person or a pipeline should act on. */
export type Verdict = {
  readonly kind: VerdictKind
  readonly features: readonly string[]
  readonly detail: string
  readonly evidence: JsonObject
}

/** Recent batches added up, as far back as it takes to have enough. */
export type Pool = { readonly totals: WindowTotals; readonly devices: number; readonly batches: number }

const evidenceOf = (score: DriftScore): JsonObject => ({
  feature: score.feature,
  effect: score.effect,
  margin: score.margin,
  distance: score.distances?.jensenShannonDistance ?? null,
  p: score.p?.decision ?? null,
  n: score.n,
  devices: score.devices,
  sentence: score.sentence,
})

/** Sizes of pools that drift is judged over, in multiples of the least number of devices: large changes show in few, small ones in many. */
export const POOL_SIZES = [1, 2, 4, 8, 16] as const

/**
 * Drift: a feature's watch has raised an alarm (which bounds how often looking again and again may be wrong), and recent batches together, over some
 * span, are significantly off the reference (Holm over features, Bonferroni over spans) by more than the margin. An alarm is forgotten when its
 * feature is in order over every span. `pools` hold ever more of the recent batches.
 */
export function judgeDrift(
  state: WatchState,
  pools: readonly Pool[],
  manifest: Manifest,
  settings: Settings,
): { state: WatchState; verdict: Verdict | null } {
  if (state.alarmed.length === 0 || pools.length === 0) return { state, verdict: null }
  const { driftMargin, correlation, minimumDevices, minimumValues } = settings
  const alpha = settings.driftAlpha / POOL_SIZES.length
  const inOrder = new Set(state.alarmed)
  for (const pool of pools) {
    const { references } = manifest
    const { features } = scoreDriftAll({
      references,
      counters: pool.totals.counters,
      devices: pool.devices,
      alpha,
      margin: driftMargin,
      minimumN: minimumValues,
      minimumDevices,
      correlation,
    })
    const found = features.filter((score) => score.status === 'drift' && state.alarmed.includes(score.feature))
    if (found.length > 0) return { state, verdict: driftVerdict(found, pool, manifest, alpha) }
    for (const score of features) if (score.status !== 'ok') inOrder.delete(score.feature)
  }
  return { state: { ...state, alarmed: state.alarmed.filter((name) => !inOrder.has(name)) }, verdict: null }
}

function driftVerdict(found: readonly DriftScore[], pool: Pool, manifest: Manifest, alpha: number): Verdict {
  const estimate = pool.totals.calibration === null ? null : estimateAccuracy(pool.totals.calibration)
  const estimated =
    estimate === null
      ? ''
      : ` Accuracy estimated from confidence: ${percent(estimate.accuracy)}, promised ${percent(1 - manifest.promised.errorRate)}.`
  return {
    kind: 'drift',
    features: found.map((score) => score.feature),
    detail: `${found.map((score) => score.sentence).join(' ')}${estimated}`,
    evidence: {
      features: found.map(evidenceOf),
      devices: pool.devices,
      predictions: pool.totals.predictions,
      batches: pool.batches,
      alpha,
      estimatedAccuracy: estimate === null ? null : { value: estimate.accuracy, error: estimate.standardError },
    },
  }
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`

/** Degradation: the accuracy watch has raised an alarm, and the recent feedback's whole interval lies below what was promised less the margin. */
export function judgeAccuracy(
  state: WatchState,
  pool: Pool,
  manifest: Manifest,
  settings: Settings,
): { state: WatchState; verdict: Verdict | null } {
  const { right, n } = feedbackOf(pool.totals)
  if (!state.accuracyAlarmed || n < settings.minimumFeedback) return { state, verdict: null }
  const promised = 1 - manifest.promised.errorRate
  const limit = 1 - allowedErrorRate(manifest, settings)
  const { low, high } = wilsonInterval(right, n)
  if (right / n >= limit) return { state: { ...state, accuracyAlarmed: false }, verdict: null }
  if (high >= limit) return { state, verdict: null }
  return {
    state,
    verdict: {
      kind: 'degradation',
      features: [],
      detail: `${right} of ${n} answers were right (${percent(right / n)}, interval ${percent(low)} to ${percent(high)}), promised were ${percent(promised)}; from ${pool.devices} devices.`,
      evidence: { right, n, accuracy: right / n, low, high, promised, limit, devices: pool.devices, batches: pool.batches },
    },
  }
}
