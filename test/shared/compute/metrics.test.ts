import fc from 'fast-check'
import { expect, test } from 'vitest'
import { evaluatePredictions, wilson } from '../../../shared/compute/metrics.ts'

const values = Float32Array.of(0.85, 0.15, 0.35, 0.65, 0.95, 0.05, 0.25, 0.75)

test('[CMP-10] accuracy, log loss, confusion and calibration of a case worked out by hand', () => {
  const result = evaluatePredictions({ values, classes: 2 }, [0, 1, 1, 1])
  expect(result.accuracy).toBe(0.75)
  expect(result.confusion).toEqual([
    [1, 0],
    [1, 2],
  ])
  expect(result.logLoss).toBeCloseTo(-(Math.log(0.85) + Math.log(0.65) + Math.log(0.05) + Math.log(0.75)) / 4, 6)
  // each confidence has a bin of its own: |0.85-1|, |0.65-1|, |0.95-0|, |0.75-1|
  expect(result.calibrationError).toBeCloseTo((0.15 + 0.35 + 0.95 + 0.25) / 4, 6)
})

test('[CMP-10] one sigmoid column says the same as two softmax columns', () => {
  const one = Float32Array.of(0.15, 0.65, 0.05, 0.75)
  const labels = [0, 1, 1, 1]
  const [a, b] = [evaluatePredictions({ values: one, classes: 1 }, labels), evaluatePredictions({ values, classes: 2 }, labels)]
  expect(a.confusion).toEqual(b.confusion)
  expect(a.logLoss).toBeCloseTo(b.logLoss, 5)
  expect(a.calibrationError).toBeCloseTo(b.calibrationError, 5)
})

test('[CMP-10] slices count their own examples, which may be in several', () => {
  const { slices } = evaluatePredictions({ values, classes: 2 }, [0, 1, 1, 1], (i) => (i < 2 ? ['all', 'early'] : ['all']))
  expect(slices.map(({ slice, count, right }) => ({ slice, count, right }))).toEqual([
    { slice: 'all', count: 4, right: 3 },
    { slice: 'early', count: 2, right: 2 },
  ])
})

test('[CMP-10] Wilson intervals have their published values', () => {
  // Newcombe 1998, table I: 81 of 263 and 0 of 20
  expect(wilson(81, 263).low).toBeCloseTo(0.2553, 4)
  expect(wilson(81, 263).high).toBeCloseTo(0.3662, 4)
  expect(wilson(0, 20).low).toBeCloseTo(0, 12)
  expect(wilson(0, 20).high).toBeCloseTo(0.1611, 4)
  expect(wilson(0, 0)).toEqual({ low: 0, high: 1 })
})

test('[CMP-10] an interval holds the share it is of, and narrows with more examples', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 500 }), fc.double({ min: 0, max: 1, noNaN: true }), (count, share) => {
      const right = Math.round(share * count)
      const [small, large] = [wilson(right, count), wilson(right * 10, count * 10)]
      expect(small.low).toBeLessThanOrEqual(right / count + 1e-12)
      expect(small.high).toBeGreaterThanOrEqual(right / count - 1e-12)
      expect(large.high - large.low).toBeLessThan(small.high - small.low)
    }),
  )
})

test('[CMP-10] counts add up, whatever the answers', () => {
  const rows = fc.array(
    fc.tuple(
      fc.nat(2),
      fc.tuple(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
      ),
    ),
    { maxLength: 40 },
  )
  fc.assert(
    fc.property(rows, (list) => {
      const result = evaluatePredictions(
        { values: Float32Array.from(list.flatMap(([, p]) => p)), classes: 3 },
        list.map(([label]) => label),
        (i) => [`${i % 3}`],
      )
      const diagonal = result.confusion.reduce((sum, row, i) => sum + (row[i] ?? 0), 0)
      expect(result.confusion.flat().reduce((a, b) => a + b, 0)).toBe(list.length)
      expect(result.accuracy * list.length).toBeCloseTo(diagonal, 6)
      expect(result.slices.reduce((sum, slice) => sum + slice.right, 0)).toBe(diagonal)
      expect(result.calibrationError).toBeGreaterThanOrEqual(0)
      expect(result.calibrationError).toBeLessThanOrEqual(1)
    }),
  )
})

test('[CMP-10] refuses labels that do not fit the predictions', () => {
  expect(() => evaluatePredictions({ values, classes: 2 }, [0])).toThrow(expect.objectContaining({ code: 'shape_mismatch' }))
  expect(() => evaluatePredictions({ values, classes: 2 }, [0, 1, 1, 2])).toThrow(expect.objectContaining({ code: 'shape_mismatch' }))
})
