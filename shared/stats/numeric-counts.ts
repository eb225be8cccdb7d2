import * as z from 'zod/mini'
import type { Issue } from '../core/errors.ts'
import { binOf, countSchema, type NumericReference, referenceDeviation } from './numeric-reference.ts'

/**
 * Moments are whole numbers too, so that merging stays exact in any order and masks and noise can be added: a value is taken as its distance from the
 * reference's mean in 256ths of the reference's standard deviation, cut at 64 deviations (one absurd value cannot carry the sum away).
 * Squares stay below 2^28 each, so a sum stays exact for 2^25 values at the cut, for 2^37 ordinary ones.
 */
const STEPS_PER_DEVIATION = 256
const MOMENT_CUT = 64 * STEPS_PER_DEVIATION

/** What was counted of one numeric feature in one window; also its serialised form. */
export const numericCountsSchema = z.strictObject({
  kind: z.literal('numeric'),
  /** Finite values: the sum of the cells. */
  n: countSchema,
  /** Below the first edge, the reference's B bins, above the last edge. */
  cells: z.array(countSchema).check(z.minLength(3), z.maxLength(130)),
  nan: countSchema,
  posInf: countSchema,
  negInf: countSchema,
  missing: countSchema,
  /** Sum and sum of squares of the standardised, rounded, cut values. */
  sum: z.int(),
  sumSquares: countSchema,
  /** Of the finite values; null where there are none. */
  min: z.nullable(z.number()),
  max: z.nullable(z.number()),
})

export type NumericCounts = z.infer<typeof numericCountsSchema>

export const emptyNumericCounts = (reference: NumericReference): NumericCounts => ({
  kind: 'numeric',
  n: 0,
  cells: new Array<number>(reference.counts.length + 2).fill(0),
  nan: 0,
  posInf: 0,
  negInf: 0,
  missing: 0,
  sum: 0,
  sumSquares: 0,
  min: null,
  max: null,
})

/** The length in the feature's own unit that one step of `sum` stands for. A constant reference is measured in its own size. */
function momentStep(reference: NumericReference): number {
  const deviation = referenceDeviation(reference)
  const size = deviation > 0 && Number.isFinite(deviation) ? deviation : Math.max(1, Math.abs(reference.mean))
  return size / STEPS_PER_DEVIATION
}

/** A function that counts values into `counts`; about 30 ns a value. */
export function numericObserver(reference: NumericReference, counts: NumericCounts): (value: number | null | undefined) => void {
  const { edges, mean } = reference
  const step = momentStep(reference)
  return (value) => {
    if (value === null || value === undefined) {
      counts.missing++
      return
    }
    if (!Number.isFinite(value)) {
      if (value === Infinity) counts.posInf++
      else if (value === -Infinity) counts.negInf++
      else counts.nan++
      return
    }
    const cell = binOf(edges, value) + 1
    counts.cells[cell] = (counts.cells[cell] ?? 0) + 1
    counts.n++
    const steps = Math.max(-MOMENT_CUT, Math.min(MOMENT_CUT, Math.round((value - mean) / step)))
    counts.sum += steps
    counts.sumSquares += steps * steps
    // + 0 makes 0 of -0, which JSON cannot say
    if (counts.min === null || value < counts.min) counts.min = value + 0
    if (counts.max === null || value > counts.max) counts.max = value + 0
  }
}

/** Mean and sample standard deviation in the feature's own unit; null where nothing finite was counted. Rounding adds less than 0.002 deviations. */
export function countedMoments(reference: NumericReference, counts: NumericCounts): { mean: number; deviation: number } | null {
  if (counts.n === 0) return null
  const step = momentStep(reference)
  const centre = counts.sum / counts.n
  const variance = counts.n > 1 ? Math.max(0, counts.sumSquares - counts.n * centre * centre) / (counts.n - 1) : 0
  return { mean: reference.mean + centre * step, deviation: Math.sqrt(variance) * step }
}

const lower = (a: number | null, b: number | null): number | null => (a === null ? b : b === null ? a : Math.min(a, b))
const higher = (a: number | null, b: number | null): number | null => (a === null ? b : b === null ? a : Math.max(a, b))

/** Both windows as one. Exact, associative and commutative. */
export const mergeNumericCounts = (a: NumericCounts, b: NumericCounts): NumericCounts => ({
  kind: 'numeric',
  n: a.n + b.n,
  cells: a.cells.map((count, i) => count + (b.cells[i] ?? 0)),
  nan: a.nan + b.nan,
  posInf: a.posInf + b.posInf,
  negInf: a.negInf + b.negInf,
  missing: a.missing + b.missing,
  sum: a.sum + b.sum,
  sumSquares: a.sumSquares + b.sumSquares,
  min: lower(a.min, b.min),
  max: higher(a.max, b.max),
})

/** What about these counts no honest device could have counted against this reference. */
export function numericCountsIssues(counts: NumericCounts, reference: NumericReference, where: string): Issue[] {
  const issues: Issue[] = []
  const say = (part: string, what: string) => issues.push({ where: `${where}.${part}`, what })
  const { n, cells, sum, sumSquares, min, max } = counts
  if (cells.length !== reference.counts.length + 2) {
    say('cells', `has ${cells.length} cells where the reference needs ${reference.counts.length + 2}`)
    return issues
  }
  const total = cells.reduce((all, count) => all + count, 0)
  if (total !== n) say('n', `is ${n} but the cells add up to ${total}`)
  if (Math.abs(sum) > n * MOMENT_CUT) say('sum', `is larger than ${n} values can give`)
  if (sumSquares > n * MOMENT_CUT * MOMENT_CUT) say('sumSquares', `is larger than ${n} values can give`)
  // Cauchy-Schwarz, and whole numbers: |x| <= x^2; the slack covers the rounding of products beyond 2^53
  if (sum * sum > n * sumSquares * (1 + 1e-9) || Math.abs(sum) > sumSquares) say('sumSquares', `is smaller than the sum ${sum} allows`)
  if ((min === null) !== (n === 0) || (max === null) !== (n === 0))
    say('min', 'and max must be null exactly where nothing finite was counted')
  if (min !== null && max !== null && total === n) {
    const first = cells.findIndex((count) => count > 0) - 1
    const last = cells.findLastIndex((count) => count > 0) - 1
    if (min > max) say('min', `is ${min}, above max ${max}`)
    else if (binOf(reference.edges, min) !== first) say('min', `is ${min}, which does not lie in the lowest cell that has a count`)
    else if (binOf(reference.edges, max) !== last) say('max', `is ${max}, which does not lie in the highest cell that has a count`)
  }
  return issues
}
