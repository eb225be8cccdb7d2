import * as z from 'zod/mini'
import { AppError } from '../core/errors.ts'
import { jensenShannonDivergence } from './distances.ts'

/** A histogram with edges of its own. A bucket of width zero is a point mass. Counts may be fractions where they were scaled up from a sample. */
export const histogramSchema = z.strictObject({
  buckets: z.array(z.strictObject({ low: z.number(), high: z.number(), count: z.number().check(z.minimum(0)) })),
  nan: z.number().check(z.minimum(0)),
})

export type Histogram = z.infer<typeof histogramSchema>

/**
 * Jensen-Shannon divergence in bits of two histograms with different edges, as TFDV defines it: both are re-bucketed on the union of their edges with
 * mass spread evenly inside a bucket; point masses match by value only; NaN and infinite mass never match anything.
 * @throws AppError invalid_input where one of them is empty.
 */
export function jensenShannonHistograms(reference: Histogram, current: Histogram): number {
  const edges = [
    ...new Set([reference, current].flatMap(({ buckets }) => buckets.flatMap(({ low, high }) => (low < high ? [low, high] : [])))),
  ]
    .filter(Number.isFinite)
    .sort((a, b) => a - b)
  const cells = new Map<string, [number, number]>()
  const add = (key: string, side: 0 | 1, mass: number) => {
    const cell = cells.get(key) ?? [0, 0]
    cell[side] += mass
    cells.set(key, cell)
  }
  const lost: [number, number] = [0, 0]
  for (const [side, { buckets, nan }] of [
    [0, reference],
    [1, current],
  ] as const) {
    lost[side] += nan
    for (const { low, high, count } of buckets) {
      if (!Number.isFinite(low) || !Number.isFinite(high)) lost[side] += count
      else if (low === high) add(`at ${low}`, side, count)
      else {
        for (let i = 0; i + 1 < edges.length; i++) {
          const from = edges[i] as number
          const to = edges[i + 1] as number
          if (from >= low && to <= high) add(`from ${from}`, side, (count * (to - from)) / (high - low))
        }
      }
    }
  }
  const p = [...[...cells.values()].map(([a]) => a), lost[0], 0]
  const q = [...[...cells.values()].map(([, b]) => b), 0, lost[1]]
  if (!p.some((x) => x > 0) || !q.some((x) => x > 0)) {
    throw new AppError('invalid_input', 'a histogram without values has no distribution to compare; wait for data on both sides')
  }
  return jensenShannonDivergence(p, q)
}
