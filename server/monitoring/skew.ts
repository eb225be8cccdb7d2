import type { FeatureSkew, SkewReport } from '../../shared/contract/skew.ts'
import type { DriftOptions } from '../../shared/stats/drift.ts'
import type { Reference } from '../../shared/stats/reference.ts'
import type { Manifest } from '../../shared/trust/manifest.ts'
import { driftOf, PREDICTION } from './assess.ts'
import type { WindowRow } from './monitoring-store.ts'
import { emptyTotals, mergeTotals } from './window-totals.ts'

const CONFIDENCE = 'confidence'

const valuesIn = (reference: Reference): number =>
  reference.kind === 'numeric' ? reference.n : reference.counts.reduce((sum, count) => sum + count, reference.other)

/** Inputs of a version in training beside those that devices counted, over all these windows. The model's own answers are left out: what they did in training is no input. */
export function skewOf(
  version: number,
  windows: readonly WindowRow[],
  manifest: Manifest,
  options: DriftOptions & { readonly alpha: number },
): SkewReport {
  const totals = windows.reduce((sum, window) => mergeTotals(sum, window.totals), emptyTotals())
  const devices = windows.reduce((sum, window) => sum + window.devices, 0)
  const { features } = driftOf({ devices, totals }, manifest, options)
  return {
    version,
    from: windows[0]?.started ?? null,
    to: windows.at(-1)?.until ?? null,
    devices,
    alpha: options.alpha,
    features: features
      .filter(({ feature }) => feature !== PREDICTION && feature !== CONFIDENCE)
      .map((score): FeatureSkew => {
        const reference = manifest.references[score.feature]
        const categorical = reference?.kind === 'categorical'
        return {
          feature: score.feature,
          kind: categorical ? 'categorical' : 'numeric',
          training: reference === undefined ? 0 : valuesIn(reference),
          serving: Math.round(score.n),
          infinityNorm: categorical ? (score.distances?.lInfinity ?? null) : null,
          jensenShannonDivergence: score.distances?.jensenShannonDivergence ?? null,
          p: score.p?.decision ?? null,
          status: score.status,
          sentence: score.sentence.slice(0, 1000),
        }
      }),
  }
}
