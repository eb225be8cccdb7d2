import { must } from '../core/assert.ts'
import { type Counters, type Counts, emptyCounts } from './counters.ts'
import { cellTotals, type DriftCells } from './drift-cells.ts'
import {
  type DriftDistances,
  type DriftMeasure,
  type DriftMeasureOptions,
  type DriftTails,
  measureDrift,
  type NeedMore,
} from './drift-measure.ts'
import { holm } from './multiplicity.ts'
import type { Reference, References } from './reference.ts'
import { chiSquareCritical } from './special-functions.ts'

export type DriftOptions = DriftMeasureOptions & {
  /** Probability of calling drift where nothing changed: of one feature in scoreDrift, of any feature in scoreDriftAll. Default 0.001. */
  readonly alpha?: number
  /** How large a change has to be to matter, as PSI with sampling noise taken off. Default 0.1. */
  readonly margin?: number
}

const DEFAULTS = { alpha: 0.001, margin: 0.1 }

export type DriftStatus = 'ok' | 'watch' | 'drift' | 'insufficient'

export type DriftScore = {
  readonly feature: string
  /** drift: significant and above the margin. watch: one of the two. */
  readonly status: DriftStatus
  /** Null where there is too little to compare, as are p and effect. */
  readonly distances: DriftDistances | null
  readonly p: DriftTails | null
  /** PSI less what sampling alone gives on average, at least 0. */
  readonly effect: number | null
  readonly margin: number
  readonly n: number
  /** n after the design effect of few devices. */
  readonly effectiveN: number
  readonly devices: number | null
  /** How much more is needed to decide; null where it is decided, or where more values could not decide it. */
  readonly needMore: NeedMore | null
  readonly sentence: string
}

/** Tests among which the decision chooses at most (see DriftTails). */
const TESTS = 5

/** How many more values would make an effect of this size significant, if it stays; null where the reference is too small to ever tell. */
function samplesToDecide({ found, designEffect, n, devices, referenceN }: DriftMeasure, alpha: number): NeedMore | null {
  if (found === null || found.effect <= 0 || found.pooled < 2) return null
  const inverse = found.effect / chiSquareCritical(alpha / TESTS, found.pooled - 1) - 1 / referenceN
  if (inverse <= 0) return null
  const samples = Math.max(1, Math.ceil(designEffect / inverse - n))
  return { samples, devices: devices === null || devices === 0 ? null : Math.ceil(samples / (n / devices)) }
}

const percent = (share: number): string => `${Number((100 * share).toPrecision(2))} %`
const figure = (x: number): string => String(Number(x.toPrecision(2)))

/** The cell whose share changed most, in words. */
function largestMove(cells: DriftCells): string {
  const totals = cellTotals(cells)
  const moves = [...cells.ordered, ...cells.unordered].map((cell) => ({
    label: cell.label,
    from: cell.reference / totals.reference,
    to: cell.current / totals.current,
  }))
  const worst = must(moves.sort((a, b) => Math.abs(b.to - b.from) - Math.abs(a.to - a.from))[0], 'a cell')
  return `${worst.label} went from ${percent(worst.from)} to ${percent(worst.to)}`
}

const more = (need: NeedMore | null): string => {
  if (need === null) return ''
  return need.devices === null ? `; need ${need.samples} more values` : `; need ${need.devices} more devices (about ${need.samples} values)`
}

function judge(measure: DriftMeasure, significant: boolean, alpha: number, margin: number): DriftScore {
  const { feature, n, devices, found, missing, cells, designEffect } = measure
  const { distances = null, p = null, effect = null } = found ?? {}
  const score = { feature, distances, p, effect, margin, n, effectiveN: n / designEffect, devices }
  const seen = `${n} values${devices === null ? '' : ` from ${devices} devices`}`
  if (found === null) {
    const sentence =
      missing === null ? `${feature}: its reference is empty.` : `${feature}: not enough to say after ${seen}${more(missing)}.`
    return { ...score, status: 'insufficient', needMore: missing, sentence }
  }
  const large = found.effect > margin
  const evidence = `effect ${figure(found.effect)} (margin ${margin}), p ${figure(found.p.decision)}, ${seen}`
  if (large && significant) {
    return { ...score, status: 'drift', needMore: null, sentence: `${feature} drifted: ${largestMove(cells)}; ${evidence}.` }
  }
  if (large) {
    const needMore = samplesToDecide(measure, alpha)
    const sentence = `${feature} may have drifted: ${largestMove(cells)}; ${evidence}${more(needMore)}.`
    return { ...score, status: 'watch', needMore, sentence }
  }
  if (significant) {
    const sentence = `${feature} changed, by less than matters: ${largestMove(cells)}; ${evidence}.`
    return { ...score, status: 'watch', needMore: null, sentence }
  }
  return { ...score, status: 'ok', needMore: null, sentence: `${feature}: no change seen; ${evidence}.` }
}

/** Whether one feature has moved away from its reference: drift only where the change is significant and larger than the margin. */
export function scoreDrift(
  options: DriftOptions & { readonly reference: Reference; readonly counters: Counts; readonly feature?: string },
): DriftScore {
  const { alpha, margin } = { ...DEFAULTS, ...options }
  const measure = measureDrift(options.feature ?? 'feature', options.reference, options.counters, options)
  return judge(measure, measure.found !== null && measure.found.p.decision <= alpha, alpha, margin)
}

export type DriftVerdict = {
  readonly status: DriftStatus
  /** One for each reference, in the order of the references. */
  readonly features: readonly DriftScore[]
  readonly drifted: readonly string[]
  /** Bound on the probability that `drifted` is not empty where nothing changed. */
  readonly alpha: number
  readonly needMore: NeedMore | null
  readonly sentence: string
}

/** All features of a model at once. Holm's procedure keeps the probability of any false alarm at alpha, however many features there are. */
export function scoreDriftAll(options: DriftOptions & { readonly references: References; readonly counters: Counters }): DriftVerdict {
  const { alpha, margin, references, counters } = { ...DEFAULTS, ...options }
  const measures = Object.entries(references).map(([name, reference]) =>
    measureDrift(name, reference, Object.hasOwn(counters, name) ? must(counters[name], name) : emptyCounts(reference), options),
  )
  const tested = measures.flatMap(({ feature, found }) => (found === null ? [] : [{ feature, p: found.p.decision }]))
  const rejected = holm(
    tested.map(({ p }) => p),
    alpha,
  )
  const significant = new Set(tested.filter((_, i) => rejected[i]).map(({ feature }) => feature))
  const features = measures.map((one) => judge(one, significant.has(one.feature), alpha / Math.max(1, tested.length), margin))
  const drifted = features.filter((score) => score.status === 'drift').map((score) => score.feature)
  const watched = features.filter((score) => score.status === 'watch')
  const status = drifted.length > 0 ? 'drift' : tested.length === 0 ? 'insufficient' : watched.length > 0 ? 'watch' : 'ok'
  const needs = status === 'drift' ? [] : (status === 'insufficient' ? features : watched).flatMap((score) => score.needMore ?? [])
  return {
    status,
    features,
    drifted,
    alpha,
    needMore: needs.sort((a, b) => a.samples - b.samples)[0] ?? null,
    sentence: summary(status, features, tested.length),
  }
}

function summary(status: DriftStatus, features: readonly DriftScore[], tested: number): string {
  if (status === 'ok') return `No drift in ${tested} features.`
  const same = features.filter((score) => score.status === status)
  const first = same.sort((a, b) => (b.effect ?? 0) - (a.effect ?? 0))[0]
  if (first === undefined) return 'No features are monitored.'
  return same.length === 1 ? first.sentence : `${first.sentence} The same holds for ${same.length - 1} more.`
}
