import fc from 'fast-check'
import { expect, test } from 'vitest'
import { errorBoundOf } from '../../../server/pipeline/data/error-bound.ts'

test('[PIP-192] the promised bound holds so many answers, and its rate of wrong ones is not excluded by the rows', () => {
  expect(errorBoundOf(Float32Array.of(1, 2, 3, 4), [1, 1, 1, 1], 0.5)).toMatchObject({ errorBound: 1 })
  expect(errorBoundOf(Float32Array.of(5), [3], 0.9)).toEqual({ errorBound: 2, errorRate: expect.closeTo(0.793, 2) as number })
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.float({ noNaN: true, min: -1000, max: 1000 }), fc.float({ noNaN: true, min: -1000, max: 1000 })), {
        minLength: 1,
      }),
      fc.double({ min: 0.5, max: 0.99, noNaN: true }),
      (rows, share) => {
        const [answers, truths] = [Float32Array.from(rows, ([answer]) => answer), rows.map(([, truth]) => truth)]
        const { errorBound, errorRate } = errorBoundOf(answers, truths, share)
        const within = rows.filter((_, i) => Math.abs((answers[i] ?? 0) - (truths[i] ?? 0)) <= errorBound).length
        expect(within).toBeGreaterThanOrEqual(share * rows.length - 1e-9)
        expect(errorRate).toBeGreaterThanOrEqual(1 - within / rows.length)
      },
    ),
  )
})
