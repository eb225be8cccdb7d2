import { assert } from '../core/assert.ts'

/**
 * Distances between two distributions over the same cells, given as counts or weights that are normalised here. Where systems differ in base, root or
 * filling of empty cells, the name says which one this is.
 */

const total = (cells: readonly number[]): number => cells.reduce((sum, x) => sum + x, 0)

/** Shares that add up to 1. A sample without mass has no distribution: that is the caller's to rule out. */
export function shares(cells: readonly number[]): number[] {
  const sum = total(cells)
  assert(sum > 0, 'a distribution has mass')
  return cells.map((x) => x / sum)
}

/**
 * Population stability index, sum (p-q) ln(p/q), in nats. An empty cell would make it infinite: its share is taken as `fill` (1e-4 is evidently's;
 * half a count over the sample's size is what drift scoring uses).
 */
export function psi(
  reference: readonly number[],
  current: readonly number[],
  fill: { reference: number; current: number } | number = 1e-4,
): number {
  const p = shares(reference)
  const q = shares(current)
  const [fillP, fillQ] = typeof fill === 'number' ? [fill, fill] : [fill.reference, fill.current]
  return p.reduce((sum, share, i) => {
    const mine = q[i] ?? 0
    if (share === 0 && mine === 0) return sum
    const a = share > 0 ? share : fillP
    const b = mine > 0 ? mine : fillQ
    return sum + (a - b) * Math.log(a / b)
  }, 0)
}

const klTerm = (p: number, m: number): number => (p > 0 ? p * Math.log(p / m) : 0)

/** Jensen-Shannon divergence in nats: 0 to ln 2. */
export function jensenShannonNats(reference: readonly number[], current: readonly number[]): number {
  const p = shares(reference)
  const q = shares(current)
  const sum = p.reduce((all, share, i) => {
    const mine = q[i] ?? 0
    const middle = (share + mine) / 2
    return all + (klTerm(share, middle) + klTerm(mine, middle)) / 2
  }, 0)
  return Math.max(0, sum)
}

/** Jensen-Shannon divergence in bits, 0 to 1: what TFDV and Vertex call JSD. */
export const jensenShannonDivergence = (reference: readonly number[], current: readonly number[]): number =>
  Math.min(1, jensenShannonNats(reference, current) / Math.LN2)

/** Jensen-Shannon distance, the root of the divergence in nats: what evidently and NannyML call JS. */
export const jensenShannonDistance = (reference: readonly number[], current: readonly number[]): number =>
  Math.sqrt(jensenShannonNats(reference, current))

/** Hellinger distance, 0 to 1. */
export function hellinger(reference: readonly number[], current: readonly number[]): number {
  const p = shares(reference)
  const q = shares(current)
  return Math.sqrt(Math.max(0, 1 - p.reduce((sum, share, i) => sum + Math.sqrt(share * (q[i] ?? 0)), 0)))
}

/** Largest difference of two shares (TFDV and Vertex for categorical features). Two empty samples do not differ. */
export function lInfinity(reference: readonly number[], current: readonly number[]): number {
  if (total(reference) === 0 && total(current) === 0) return 0
  const p = shares(reference)
  const q = shares(current)
  return p.reduce((worst, share, i) => Math.max(worst, Math.abs(share - (q[i] ?? 0))), 0)
}

/** Normalised absolute difference (TFDV): largest difference of two counts over all counts. */
export function normalizedAbsoluteDifference(reference: readonly number[], current: readonly number[]): number {
  const all = total(reference) + total(current)
  if (all === 0) return 0
  return reference.reduce((worst, x, i) => Math.max(worst, Math.abs(x - (current[i] ?? 0))), 0) / all
}

/** Kolmogorov-Smirnov statistic at the borders of ordered cells: a lower bound of the one on raw values, off by a cell's mass at most. */
export function kolmogorovSmirnov(reference: readonly number[], current: readonly number[]): number {
  const p = shares(reference)
  const q = shares(current)
  let difference = 0
  let worst = 0
  for (let i = 0; i < p.length; i++) {
    difference += (p[i] ?? 0) - (q[i] ?? 0)
    worst = Math.max(worst, Math.abs(difference))
  }
  return Math.min(1, worst)
}

/**
 * Wasserstein-1 distance from counts between edges, in the unit of the edges: the integral of |F - G|, with mass spread evenly inside a bin.
 * `edges` has one more entry than there are cells. Error: the widest bin times the mass in it, at most.
 */
export function wassersteinFromBins(edges: readonly number[], reference: readonly number[], current: readonly number[]): number {
  const p = shares(reference)
  const q = shares(current)
  let gap = 0
  let area = 0
  for (let i = 0; i < p.length; i++) {
    const width = (edges[i + 1] as number) - (edges[i] as number)
    const next = gap + (p[i] ?? 0) - (q[i] ?? 0)
    if (width > 0) {
      // the difference runs straight from gap to next: two triangles where it crosses zero, a trapezium where it does not
      area += gap * next < 0 ? (width * (gap * gap + next * next)) / (2 * Math.abs(next - gap)) : (width * Math.abs(gap + next)) / 2
    }
    gap = next
  }
  return area
}
