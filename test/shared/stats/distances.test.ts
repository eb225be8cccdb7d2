import { describe, expect, test } from 'vitest'
import { AppError } from '../../../shared/core/errors.ts'
import { seededRandom } from '../../../shared/core/random.ts'
import { chiSquareGoodnessOfFit, chiSquareTwoSample, kolmogorovSmirnovTail, psiTail } from '../../../shared/stats/distance-nulls.ts'
import {
  hellinger,
  jensenShannonDistance,
  jensenShannonDivergence,
  kolmogorovSmirnov,
  lInfinity,
  normalizedAbsoluteDifference,
  psi,
  wassersteinFromBins,
} from '../../../shared/stats/distances.ts'
import { type Histogram, jensenShannonHistograms } from '../../../shared/stats/histogram.ts'
import { normals } from './draws.ts'

const histogram = (buckets: readonly (readonly [number, number, number])[], nan = 0): Histogram => ({
  buckets: buckets.map(([low, high, count]) => ({ low, high, count })),
  nan,
})

describe('[STA-2] distances have the values that the systems they come from state', () => {
  test('[STA-2] evidently: chi-square of fit, Hellinger, PSI with 1e-4 in empty cells', () => {
    const reference = [16, 18, 16, 14, 12, 12]
    const current = [16, 16, 16, 16, 16, 8]
    expect(chiSquareGoodnessOfFit(reference, current).p).toBeCloseTo(0.67309, 5)
    expect(chiSquareTwoSample(reference, current).p).toBeCloseTo(0.89853, 5)
    // stated cut to five places, not rounded
    expect(Math.floor(hellinger(reference, current) * 1e5) / 1e5).toBe(0.06812)
    // rows 3, 2, 2 against 1, 2, 3 as categories 1, 2, 3
    expect(psi([0, 2, 1], [1, 1, 1])).toBeCloseTo(2.9341472484810085, 6)
  })

  test('[STA-2] TFDV: L-infinity and normalised absolute difference', () => {
    expect(lInfinity([0.1, 0.9], [0.3, 0.7])).toBeCloseTo(0.2, 9)
    expect(lInfinity([0, 0.9, 0.1], [0.3, 0.7, 0])).toBeCloseTo(0.3, 9)
    expect(lInfinity([0.3, 0.7, 0], [0, 0.9, 0.1])).toBeCloseTo(0.3, 9)
    expect(lInfinity([], [])).toBe(0)
    expect(normalizedAbsoluteDifference([0.1, 0.9], [0.3, 0.7])).toBeCloseTo(0.1, 9)
    expect(normalizedAbsoluteDifference([1, 5], [10, 50])).toBeCloseTo(0.68181818, 8)
  })

  test('[STA-2] TFDV: Jensen-Shannon divergence of histograms with different edges', () => {
    const of = (a: Histogram, b: Histogram) => [jensenShannonHistograms(a, b), jensenShannonHistograms(b, a)]
    for (const value of of(
      histogram([
        [1, 2, 2],
        [2, 3, 2],
      ]),
      histogram([
        [2, 4, 2],
        [4, 6, 2],
      ]),
    ))
      expect(value).toBeCloseTo(0.65563906222, 9)
    for (const value of of(histogram([[1, 2, 3]], 1), histogram([[1, 2, 4]]))) expect(value).toBeCloseTo(0.13792538096, 9)
    const disjoint: [Histogram, Histogram][] = [
      [histogram([[1, 2, 2]]), histogram([[4, 6, 2]])],
      [histogram([[1, 1, 5]]), histogram([[2, 6, 5]])],
      [histogram([[1, 1, 5]]), histogram([[2.33, 2.33, 5]])],
      [
        histogram([[10, 10, 5]]),
        histogram([
          [0, 10, 2],
          [10, 20, 3],
        ]),
      ],
      // NaN and infinite mass never match, not even themselves
      [histogram([], 4), histogram([], 4)],
      [histogram([[1, Infinity, 4]]), histogram([[1, Infinity, 4]])],
    ]
    for (const [a, b] of disjoint) for (const value of of(a, b)) expect(value).toBeCloseTo(1, 12)
    expect(jensenShannonHistograms(histogram([[7, 7, 2]]), histogram([[7, 7, 9]]))).toBeCloseTo(0, 12)
    expect(() => jensenShannonHistograms(histogram([]), histogram([[1, 2, 1]]))).toThrow(AppError)
  })

  test('[STA-2] NannyML: the distance in natural logarithms', () => {
    // uniform over abcd against uniform over abce
    const [p, q] = [
      [1, 1, 1, 1, 0],
      [1, 1, 1, 0, 1],
    ]
    expect(jensenShannonDistance(p, q)).toBeCloseTo(0.41627730557884884, 12)
    expect(Math.sqrt(jensenShannonDivergence(p, q))).toBeCloseTo(0.5, 12)
    expect(jensenShannonDivergence(p, q)).toBeCloseTo(0.25, 12)
  })

  test('[STA-2] Wasserstein from bins is the integral of |F - G|', () => {
    expect(wassersteinFromBins([0, 1, 2, 3], [1, 0, 0], [0, 0, 1])).toBeCloseTo(2, 12)
    // uniform over 0..2 against uniform over 0..1: integral of |x/2 - min(x, 1)|
    expect(wassersteinFromBins([0, 1, 2], [1, 1], [2, 0])).toBeCloseTo(0.5, 12)
    // F - G runs from 0.2 to -0.2 inside the middle bin: three triangles
    expect(wassersteinFromBins([0, 1, 2, 3], [0.4, 0.2, 0.4], [0.2, 0.6, 0.2])).toBeCloseTo(0.1 + 0.1 + 0.1, 12)
    expect(wassersteinFromBins([0, 0, 1], [1, 1], [1, 1])).toBe(0)
  })

  test('[STA-2] KS on cells is the largest gap of the cumulative shares', () => {
    expect(kolmogorovSmirnov([5, 5, 0, 0], [0, 0, 5, 5])).toBe(1)
    expect(kolmogorovSmirnov([1, 1, 1, 1], [2, 1, 1, 0])).toBeCloseTo(0.25, 12)
  })
})

describe('[STA-3] nulls know the sample sizes', () => {
  test('[STA-3] PSI over 0.1 means little at 100 against 100, and much at 5,000', () => {
    expect(psiTail(0.1, 10, 100, 100)).toBeCloseTo(0.83, 2)
    expect(psiTail(0.1, 30, 500, 500)).toBeCloseTo(0.68, 2)
    expect(psiTail(0.1, 10, 5000, 5000)).toBeLessThan(1e-20)
    // a chance of 1 % is reached at these sizes
    for (const [cells, n] of [
      [10, 434],
      [20, 724],
      [30, 992],
    ] as const)
      expect(psiTail(0.1, cells, n, n)).toBeCloseTo(0.01, 3)
  })

  test('[STA-3] KS has its critical values', () => {
    for (const [n, d05, d001] of [
      [500, 0.086, 0.123],
      [1000, 0.061, 0.087],
      [5000, 0.027, 0.039],
    ] as const) {
      expect(Math.abs(kolmogorovSmirnovTail(d05, n, n) - 0.05)).toBeLessThan(0.006)
      expect(Math.abs(kolmogorovSmirnovTail(d001, n, n) - 0.001)).toBeLessThan(0.0003)
    }
  })

  test('[STA-3] p-values of unchanged samples are spread evenly, or lie higher', () => {
    const random = seededRandom(11)
    const runs = 2000
    let psiHits = 0
    let chiHits = 0
    let ksHits = 0
    const counts = (n: number) => {
      const cells = new Array<number>(10).fill(0)
      for (let i = 0; i < n; i++) {
        const bin = random.integer(10)
        cells[bin] = (cells[bin] ?? 0) + 1
      }
      return cells
    }
    for (let run = 0; run < runs; run++) {
      const [a, b] = [counts(600), counts(300)]
      if (psiTail(psi(a, b), 10, 600, 300) <= 0.05) psiHits++
      if (chiSquareTwoSample(a, b).p <= 0.05) chiHits++
      if (kolmogorovSmirnovTail(kolmogorovSmirnov(a, b), 600, 300) <= 0.05) ksHits++
    }
    const limit = runs * 0.05 + 3 * Math.sqrt(runs * 0.05 * 0.95)
    const least = runs * 0.05 - 3 * Math.sqrt(runs * 0.05 * 0.95)
    expect(psiHits).toBeGreaterThan(least)
    expect(psiHits).toBeLessThan(limit * 1.15)
    expect(chiHits).toBeGreaterThan(least)
    expect(chiHits).toBeLessThan(limit)
    expect(ksHits).toBeGreaterThan(0)
    expect(ksHits).toBeLessThan(limit)
  })

  test('[STA-3] NannyML: the distance of two normal samples is near 0.04 at 10,000 against 1,000', () => {
    const random = seededRandom(1)
    const edges = Array.from({ length: 21 }, (_, i) => -5 + i / 2)
    const cells = (values: number[]) => edges.slice(1).map((high, i) => values.filter((x) => x >= (edges[i] ?? 0) && x < high).length)
    const distance = jensenShannonDistance(cells(normals(random, 10_000)), cells(normals(random, 1000)))
    expect(distance).toBeGreaterThan(0.02)
    expect(distance).toBeLessThan(0.06)
  })
})
