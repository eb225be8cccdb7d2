import fc from 'fast-check'
import { expect, test } from 'vitest'
import { orthogonalValues } from '../../../shared/compute/orthogonal.ts'

test('[CMP-43] the vectors of the shorter side are orthogonal and as long as the gain; a seed repeats them', () => {
  const side = fc.integer({ min: 1, max: 12 })
  fc.assert(
    fc.property(side, side, side, fc.double({ min: 0.1, max: 3, noNaN: true }), fc.nat(), (a, b, columns, gain, seed) => {
      const rows = a * b
      const values = orthogonalValues([a, b, columns], gain, seed)
      expect(orthogonalValues([a, b, columns], gain, seed)).toEqual(values)
      const at = (vector: number, i: number): number => values[rows >= columns ? i * columns + vector : vector * columns + i] ?? Number.NaN
      for (let one = 0; one < Math.min(rows, columns); one++)
        for (let other = 0; other <= one; other++) {
          let product = 0
          for (let i = 0; i < Math.max(rows, columns); i++) product += at(one, i) * at(other, i)
          expect(Math.abs(product / gain ** 2 - (one === other ? 1 : 0))).toBeLessThan(1e-5)
        }
    }),
  )
})
