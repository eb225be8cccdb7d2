import fc from 'fast-check'
import { expect, test } from 'vitest'
import { unwrap } from '../../../shared/core/result.ts'
import {
  bucketOf,
  countLatency,
  emptySketch,
  HIGHEST_BUCKET,
  type LatencySketch,
  LOWEST_BUCKET,
  latencyQuantile,
  mergeSketches,
  shareAbove,
  sketchToJson,
  validateSketch,
} from '../../../shared/stats/latency-sketch.ts'

const durations = fc.array(fc.oneof(fc.double({ min: 0.001, max: 1e6, noNaN: true }), fc.double({ min: 1, max: 100, noNaN: true })), {
  minLength: 1,
  maxLength: 200,
})

function sketchOf(values: readonly number[]): LatencySketch {
  const sketch = emptySketch()
  for (const ms of values) countLatency(sketch, ms)
  return sketch
}

test('[STA-9] every quantile is within 2.2 % of the value of that rank', () => {
  fc.assert(
    fc.property(durations, fc.double({ min: 0, max: 1, noNaN: true }), (values, q) => {
      const exact = [...values].sort((a, b) => a - b)[Math.floor(q * (values.length - 1))] ?? 0
      const found = latencyQuantile(sketchOf(values), q) ?? 0
      expect(Math.abs(found / exact - 1)).toBeLessThan(0.0217)
    }),
  )
})

test('[STA-9] buckets begin at exact powers of 2^(1/16)', () => {
  for (let e = -9; e < 20; e++) {
    expect(bucketOf(2 ** e)).toBe(16 * e)
    expect(bucketOf(2 ** e * Math.SQRT2)).toBe(16 * e + 8)
    expect(bucketOf(2 ** e * (1 - 2 ** -52))).toBe(16 * e - 1)
  }
})

test('[STA-9] merging is exact in any order and the same as one sketch of all', () => {
  fc.assert(
    fc.property(durations, durations, durations, (a, b, c) => {
      const [x, y, z] = [sketchOf(a), sketchOf(b), sketchOf(c)]
      const all = sketchToJson(sketchOf([...a, ...b, ...c]))
      expect(sketchToJson(mergeSketches(mergeSketches(x, y), z))).toEqual(all)
      expect(sketchToJson(mergeSketches(z, mergeSketches(y, x)))).toEqual(all)
    }),
  )
})

test('[STA-9] the serialised form comes back, and 500 durations take less than 400 bytes', () => {
  fc.assert(
    fc.property(durations, (values) => {
      const sent = JSON.stringify(sketchToJson(sketchOf(values)))
      expect(unwrap(validateSketch(JSON.parse(sent)))).toEqual(sketchOf(values))
    }),
  )
  const values = Array.from({ length: 500 }, (_, i) => 20 * 1.2 ** (6 * Math.sin(i)))
  expect(JSON.stringify(sketchToJson(sketchOf(values))).length).toBeLessThan(400)
})

test('[STA-9] odd durations have their place: zero, absurdly long, not a duration', () => {
  const sketch = sketchOf([0, 1e-9, 1e300, -1, Number.NaN, Infinity])
  expect([sketch.n, sketch.below, sketch.invalid]).toEqual([3, 2, 3])
  expect([...sketch.buckets]).toEqual([[HIGHEST_BUCKET, 1]])
  expect(latencyQuantile(sketch, 0)).toBe(0)
  expect(latencyQuantile(emptySketch(), 0.5)).toBeNull()
  expect(shareAbove(sketchOf([1, 2, 4, 8]), 4)).toBe(0.5)
})

test.each([
  ['a total that is not the sum', { n: 3, below: 0, invalid: 0, buckets: [170, 2] }],
  ['half a pair', { n: 2, below: 0, invalid: 0, buckets: [170, 2, 5] }],
  ['a bucket twice', { n: 4, below: 0, invalid: 0, buckets: [170, 2, 0, 2] }],
  ['an empty bucket', { n: 2, below: 0, invalid: 0, buckets: [170, 2, 1, 0] }],
  ['a bucket beyond the last', { n: 2, below: 0, invalid: 0, buckets: [HIGHEST_BUCKET - LOWEST_BUCKET + 1, 2] }],
  ['a negative count', { n: 2, below: 0, invalid: 0, buckets: [170, -2] }],
  ['text', 'fast'],
])('[STA-9] refuses %s', (_, sent) => {
  expect(validateSketch(sent)).toMatchObject({ ok: false, error: { code: 'invalid_input' } })
})
