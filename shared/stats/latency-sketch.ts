import * as z from 'zod/mini'
import { AppError, type Issue } from '../core/errors.ts'
import { fail, ok, type Result } from '../core/result.ts'
import { countSchema } from './numeric-reference.ts'

/**
 * DDSketch (Masson, Rim, Lee 2019) of durations in milliseconds with the fixed gamma 2^(1/16), the scale 4 of OpenTelemetry's exponential histograms.
 * Bucket i holds 2^(i/16) <= ms < 2^((i+1)/16); a quantile is off by 2.2 % at most. It never collapses, so sketches add exactly in any order.
 * Buckets run from 2^-10 ms to 2^20 ms (1 us to 17 min): 480 at most, whatever a device measures.
 */
export type LatencySketch = {
  /** Durations counted: below + the sum of the buckets. */
  n: number
  /** Durations below 2^-10 ms, zero included. */
  below: number
  /** Not a duration: negative or not finite. */
  invalid: number
  buckets: Map<number, number>
}

const PER_OCTAVE = 16
export const LOWEST_BUCKET = -10 * PER_OCTAVE
export const HIGHEST_BUCKET = 20 * PER_OCTAVE - 1

// 2^(i/16) by square roots and products only: those are rounded alike on every engine, Math.log2 and Math.pow are not
const HALF = Math.SQRT2
const QUARTER = Math.sqrt(HALF)
const EIGHTH = Math.sqrt(QUARTER)
const SIXTEENTH = Math.sqrt(EIGHTH)
const BORDERS = Array.from(
  { length: PER_OCTAVE },
  (_, i) => (i & 8 ? HALF : 1) * (i & 4 ? QUARTER : 1) * (i & 2 ? EIGHTH : 1) * (i & 1 ? SIXTEENTH : 1),
)

const view = new DataView(new ArrayBuffer(8))

/** The bucket of a duration of at least 2^-10 ms. */
export function bucketOf(ms: number): number {
  view.setFloat64(0, ms)
  const exponent = ((view.getUint32(0) >>> 20) & 0x7ff) - 1023
  const mantissa = ms / 2 ** exponent
  let step = PER_OCTAVE - 1
  while (step > 0 && mantissa < (BORDERS[step] ?? 0)) step--
  return Math.min(HIGHEST_BUCKET, exponent * PER_OCTAVE + step)
}

export const emptySketch = (): LatencySketch => ({ n: 0, below: 0, invalid: 0, buckets: new Map() })

/** Counts one duration in milliseconds. */
export function countLatency(sketch: LatencySketch, ms: number): void {
  if (!(ms >= 0 && ms < Infinity)) {
    sketch.invalid++
    return
  }
  sketch.n++
  if (ms < 2 ** (LOWEST_BUCKET / PER_OCTAVE)) {
    sketch.below++
    return
  }
  const bucket = bucketOf(ms)
  sketch.buckets.set(bucket, (sketch.buckets.get(bucket) ?? 0) + 1)
}

/** Both windows as one. Exact, associative and commutative. */
export function mergeSketches(a: LatencySketch, b: LatencySketch): LatencySketch {
  const buckets = new Map(a.buckets)
  for (const [bucket, count] of b.buckets) buckets.set(bucket, (buckets.get(bucket) ?? 0) + count)
  return { n: a.n + b.n, below: a.below + b.below, invalid: a.invalid + b.invalid, buckets }
}

const sorted = (sketch: LatencySketch): [number, number][] => [...sketch.buckets].sort(([a], [b]) => a - b)

/** The q-quantile in milliseconds (0 <= q <= 1), within 2.2 %; null where nothing was counted. Durations below 1 us read as 0. */
export function latencyQuantile(sketch: LatencySketch, q: number): number | null {
  if (sketch.n === 0) return null
  const rank = q * (sketch.n - 1)
  let seen = sketch.below
  if (rank < seen) return 0
  let value = 0
  for (const [bucket, count] of sorted(sketch)) {
    seen += count
    // the point of the bucket whose relative distance to both borders is the same
    value = (2 * 2 ** ((bucket + 1) / PER_OCTAVE)) / (1 + 2 ** (1 / PER_OCTAVE))
    if (rank < seen) break
  }
  return value
}

/** Share of the durations above `ms`, exact at bucket borders. Null where nothing was counted. */
export function shareAbove(sketch: LatencySketch, ms: number): number | null {
  if (sketch.n === 0) return null
  const at = ms < 2 ** (LOWEST_BUCKET / PER_OCTAVE) ? LOWEST_BUCKET : bucketOf(ms)
  let above = 0
  for (const [bucket, count] of sketch.buckets) if (bucket >= at) above += count
  return above / sketch.n
}

/** The serialised form: buckets in order as pairs (distance from the bucket before, count), the first from the lowest bucket. */
export const latencyJsonSchema = z.strictObject({
  n: countSchema,
  below: countSchema,
  invalid: countSchema,
  buckets: z.array(countSchema).check(z.maxLength(2 * (HIGHEST_BUCKET - LOWEST_BUCKET + 1))),
})

export type LatencyJson = z.infer<typeof latencyJsonSchema>

export function sketchToJson(sketch: LatencySketch): LatencyJson {
  let before = LOWEST_BUCKET
  const buckets = sorted(sketch).flatMap(([bucket, count]) => {
    const gap = bucket - before
    before = bucket
    return [gap, count]
  })
  return { n: sketch.n, below: sketch.below, invalid: sketch.invalid, buckets }
}

/** The sketch that a device sent, or what is impossible about it. Fails with invalid_input. */
export function validateSketch(serialised: unknown, { where = 'latency' }: { where?: string } = {}): Result<LatencySketch> {
  const parsed = latencyJsonSchema.safeParse(serialised)
  if (!parsed.success) {
    const issues = parsed.error.issues.map((issue) => ({ where: [where, ...issue.path].join('.'), what: issue.message }))
    return fail(new AppError('invalid_input', 'the latency sketch does not have its form', { issues }))
  }
  const { n, below, invalid, buckets: pairs } = parsed.data
  const issues: Issue[] = []
  const buckets = new Map<number, number>()
  if (pairs.length % 2 !== 0) issues.push({ where: `${where}.buckets`, what: 'must be pairs of distance and count' })
  let bucket = LOWEST_BUCKET
  let total = below
  for (let i = 0; i + 1 < pairs.length; i += 2) {
    const gap = pairs[i] ?? 0
    const count = pairs[i + 1] ?? 0
    bucket += gap
    if (i > 0 && gap === 0) issues.push({ where: `${where}.buckets.${i}`, what: 'names the same bucket twice' })
    if (count === 0) issues.push({ where: `${where}.buckets.${i + 1}`, what: 'is an empty bucket, which is not written' })
    buckets.set(bucket, count)
    total += count
  }
  if (bucket > HIGHEST_BUCKET) issues.push({ where: `${where}.buckets`, what: 'reaches beyond the highest bucket' })
  if (total !== n) issues.push({ where: `${where}.n`, what: `is ${n} but the buckets add up to ${total}` })
  if (issues.length > 0) return fail(new AppError('invalid_input', 'the latency sketch contradicts itself', { issues }))
  return ok({ n, below, invalid, buckets })
}
