import type { Counts } from './counters.ts'
import { chiSquareTwoSample, kolmogorovSmirnovTail, psiTail } from './distance-nulls.ts'
import {
  hellinger,
  jensenShannonDistance,
  jensenShannonDivergence,
  kolmogorovSmirnov,
  lInfinity,
  psi,
  wassersteinFromBins,
} from './distances.ts'
import { cellTotals, type DriftCell, type DriftCells, driftCells, pooledCells } from './drift-cells.ts'
import { hypergeometricTail } from './hypergeometric.ts'
import { referenceDeviation } from './numeric-reference.ts'
import type { Reference } from './reference.ts'

export type DriftMeasureOptions = {
  /** Values below which nothing is said. Default 200. */
  readonly minimumN?: number
  /** Distinct devices that the counts come from; leave out where values are independent of each other. */
  readonly devices?: number
  /** Devices below which nothing is said. Default 1. */
  readonly minimumDevices?: number
  /**
   * How alike two values from one device are (intraclass correlation). Values of one device are not independent evidence: n of them from d devices
   * count as n / (1 + (n/d - 1) correlation), Kish's design effect. Default 0.05.
   */
  readonly correlation?: number
}

const DEFAULTS = { minimumN: 200, minimumDevices: 1, correlation: 0.05 }

export type DriftDistances = {
  readonly psi: number
  /** In bits, 0 to 1, as TFDV. */
  readonly jensenShannonDivergence: number
  /** Root of the divergence in nats, as evidently and NannyML. */
  readonly jensenShannonDistance: number
  readonly hellinger: number
  readonly lInfinity: number
  /** Numeric features only, over finite values. */
  readonly kolmogorovSmirnov: number | null
  /** Numeric features only: Wasserstein-1 in standard deviations of the reference. */
  readonly wasserstein: number | null
}

/** p-values under nulls that know both sizes. */
export type DriftTails = {
  /** The one acted on: the smallest of chi-square, KS and Fisher's test, times their number (Bonferroni). */
  readonly decision: number
  readonly chiSquare: number
  readonly psi: number
  readonly kolmogorovSmirnov: number | null
  /** Fisher's exact test for an excess of what should hardly occur: out of range, not a number, missing, unknown. */
  readonly odd: number
}

export type NeedMore = { readonly samples: number; readonly devices: number | null }

/** A feature's distance from its reference, without a verdict. */
export type DriftMeasure = {
  readonly feature: string
  readonly n: number
  readonly devices: number | null
  /** Values that tell as much as one independent value. */
  readonly designEffect: number
  readonly cells: DriftCells
  readonly referenceN: number
  /** Null where there is too little to compare; then `missing` says how much. */
  readonly found: {
    readonly distances: DriftDistances
    readonly p: DriftTails
    /** PSI less what sampling alone gives on average, at least 0. */
    readonly effect: number
    /** Cells of the chi-square test. */
    readonly pooled: number
  } | null
  readonly missing: NeedMore | null
}

export function measureDrift(feature: string, reference: Reference, counts: Counts, options: DriftMeasureOptions): DriftMeasure {
  const { minimumN, minimumDevices, correlation } = { ...DEFAULTS, ...options }
  const devices = options.devices ?? null
  const cells = driftCells(reference, counts)
  const { reference: m, current: n } = cellTotals(cells)
  const perDevice = devices === null || devices === 0 ? 1 : Math.max(1, n / devices)
  const designEffect = 1 + (perDevice - 1) * correlation
  const base = { feature, n, devices, designEffect, cells, referenceN: m }
  const samples = Math.max(n === 0 ? 1 : 0, Math.ceil(minimumN - n))
  const few = devices === null ? 0 : Math.max(0, minimumDevices - devices)
  if (samples > 0 || few > 0) {
    return { ...base, found: null, missing: { samples, devices: devices === null ? null : Math.max(few, Math.ceil(samples / perDevice)) } }
  }
  // a reference without a value has nothing to compare with, however many values come
  if (m === 0) return { ...base, found: null, missing: null }
  return { ...base, found: compare(reference, counts, cells, m, n / designEffect, designEffect), missing: null }
}

function compare(
  reference: Reference,
  counts: Counts,
  cells: DriftCells,
  m: number,
  effectiveN: number,
  designEffect: number,
): NonNullable<DriftMeasure['found']> {
  const scaled = (cell: DriftCell): DriftCell => ({ ...cell, current: cell.current / designEffect })
  const [ordered, unordered] = [cells.ordered.map(scaled), cells.unordered.map(scaled)]
  const pool = pooledCells({ ordered, unordered })
  const chi = chiSquareTwoSample(
    pool.map((cell) => cell.reference),
    pool.map((cell) => cell.current),
  )
  const all = [...ordered, ...unordered].filter((cell) => cell.reference + cell.current > 0)
  const p = all.map((cell) => cell.reference)
  const q = all.map((cell) => cell.current)
  const stability = psi(p, q, { reference: 0.5 / m, current: 0.5 / effectiveN })
  const ks = compareOrdered(ordered)
  const excess = cells.odd.map(scaled).map((cell) => {
    const seen = Math.floor(cell.current)
    return hypergeometricTail(seen, Math.floor(effectiveN), m, seen + cell.reference)
  })
  // chi-square sees any change, KS a shift of many small steps, Fisher's test a few values where none belong; Bonferroni pays for the choice
  const tests = [chi.p, ...(ks === null ? [] : [ks.p]), ...excess]
  return {
    distances: {
      psi: stability,
      jensenShannonDivergence: jensenShannonDivergence(p, q),
      jensenShannonDistance: jensenShannonDistance(p, q),
      hellinger: hellinger(p, q),
      lInfinity: lInfinity(p, q),
      kolmogorovSmirnov: ks?.d ?? null,
      wasserstein: wassersteinOf(reference, counts),
    },
    p: {
      decision: Math.min(1, tests.length * Math.min(...tests)),
      chiSquare: chi.p,
      psi: psiTail(stability, all.length, effectiveN, m),
      kolmogorovSmirnov: ks?.p ?? null,
      odd: Math.min(1, excess.length * Math.min(...excess)),
    },
    effect: Math.max(0, stability - (all.length - 1) * (1 / effectiveN + 1 / m)),
    pooled: pool.length,
  }
}

/** KS over finite values; null where one side has none. */
function compareOrdered(ordered: readonly DriftCell[]): { d: number; p: number } | null {
  const p = ordered.map((cell) => cell.reference)
  const q = ordered.map((cell) => cell.current)
  const m = p.reduce((sum, x) => sum + x, 0)
  const n = q.reduce((sum, x) => sum + x, 0)
  if (m === 0 || n === 0) return null
  const d = kolmogorovSmirnov(p, q)
  return { d, p: kolmogorovSmirnovTail(d, m, n) }
}

function wassersteinOf(reference: Reference, counts: Counts): number | null {
  if (reference.kind !== 'numeric' || counts.kind !== 'numeric' || counts.n === 0) return null
  const { edges } = reference
  const first = edges[0] ?? 0
  const last = edges[edges.length - 1] ?? 0
  const outer = [Math.min(first, counts.min ?? first), ...edges, Math.max(last, counts.max ?? last)]
  const deviation = referenceDeviation(reference)
  const distance = wassersteinFromBins(outer, [0, ...reference.counts, 0], counts.cells)
  return deviation > 0 ? distance / deviation : distance === 0 ? 0 : null
}
