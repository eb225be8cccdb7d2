import * as z from 'zod/mini'
import { must } from '../core/assert.ts'
import { AppError } from '../core/errors.ts'

/** A count of things: a whole number that a double holds exactly. */
export const countSchema = z.int().check(z.minimum(0))

/**
 * How a numeric feature looked when the model was trained: B bins between B+1 edges. Bin i holds edges[i] <= x < edges[i+1], the last bin its upper
 * edge too. Edges are quantiles, so that each bin holds about 1/B and a shift anywhere moves at least one count. Stands in the signed manifest.
 */
export const numericReferenceSchema = z.strictObject({
  kind: z.literal('numeric'),
  edges: z.array(z.number()).check(z.minLength(2), z.maxLength(129)),
  counts: z.array(countSchema).check(z.minLength(1), z.maxLength(128)),
  /** Finite values: the sum of the counts. */
  n: countSchema.check(z.minimum(1)),
  mean: z.number(),
  /** Sum of squared deviations from the mean. */
  m2: z.number().check(z.minimum(0)),
  min: z.number(),
  max: z.number(),
  nan: countSchema,
  infinite: countSchema,
  missing: countSchema,
})

export type NumericReference = z.infer<typeof numericReferenceSchema>

/** Sample standard deviation of the reference. */
export const referenceDeviation = (reference: NumericReference): number =>
  reference.n > 1 ? Math.sqrt(reference.m2 / (reference.n - 1)) : 0

/**
 * The bin of a finite value: -1 below the first edge, B above the last one. O(log B).
 */
export function binOf(edges: readonly number[], value: number): number {
  const last = edges.length - 1
  if (value < (edges[0] as number)) return -1
  if (value > (edges[last] as number)) return last
  let low = 0
  let high = last - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((edges[middle] as number) <= value) low = middle
    else high = middle - 1
  }
  return low
}

/**
 * Edges at the quantiles of the values. A value that holds more than 1/B of the mass takes several quantiles: equal edges are kept once, so there may
 * be fewer bins; one that holds the top quantile gets a last bin of width zero of its own (0/1 features keep two bins).
 */
export function quantileEdges(sorted: ArrayLike<number>, bins: number): number[] {
  const n = sorted.length
  const edges: number[] = []
  for (let i = 0; i < bins; i++) {
    const edge = sorted[Math.floor((i * n) / bins)] as number
    if (edges.length === 0 || edge > (edges[edges.length - 1] as number)) edges.push(edge)
  }
  edges.push(must(sorted[n - 1], 'a last value'))
  return edges
}

/**
 * The reference of a numeric feature.
 * @throws AppError invalid_input where there is no finite value.
 */
export function makeNumericReference(values: Iterable<number | null | undefined>, bins = 16): NumericReference {
  const finite: number[] = []
  let nan = 0
  let infinite = 0
  let missing = 0
  for (const value of values) {
    if (value === null || value === undefined) missing++
    else if (Number.isNaN(value)) nan++
    else if (Number.isFinite(value)) finite.push(value === 0 ? 0 : value)
    else infinite++
  }
  if (finite.length === 0)
    throw new AppError('invalid_input', 'a numeric reference needs at least one finite value; drop the feature or mend its source')
  const sorted = Float64Array.from(finite).sort()
  const edges = quantileEdges(sorted, bins)
  const counts = new Array<number>(edges.length - 1).fill(0)
  let mean = 0
  let m2 = 0
  let n = 0
  for (const value of sorted) {
    n++
    const delta = value - mean
    mean += delta / n
    m2 += delta * (value - mean)
    const bin = binOf(edges, value)
    counts[bin] = (counts[bin] ?? 0) + 1
  }
  return {
    kind: 'numeric',
    edges,
    counts,
    n,
    mean,
    m2,
    min: must(sorted[0], 'min'),
    max: must(sorted[n - 1], 'max'),
    nan,
    infinite,
    missing,
  }
}
