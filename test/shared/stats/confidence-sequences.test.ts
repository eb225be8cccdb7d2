import { expect, test } from 'vitest'
import { seededRandom } from '../../../shared/core/random.ts'
import { betaBinomial } from '../../../shared/stats/confidence-sequences/beta-binomial-mixture.ts'
import { distributionBand } from '../../../shared/stats/confidence-sequences/distribution-band.ts'
import { gammaExponential, gammaPoisson } from '../../../shared/stats/confidence-sequences/gamma-mixture.ts'
import { mixtureBound } from '../../../shared/stats/confidence-sequences/mixture.ts'
import { bestPrecision, oneSidedNormal, twoSidedNormal } from '../../../shared/stats/confidence-sequences/normal-mixture.ts'
import { shareInterval } from '../../../shared/stats/confidence-sequences/share-interval.ts'
import { stitchedBound } from '../../../shared/stats/confidence-sequences/stitched-bound.ts'
import { quantileShift } from '../../../shared/stats/two-sample/quantile-shift.ts'

const bestAt = 100

// the expected values of confseq, stated to seven digits
test('[STA-28] mixtures and their bounds have the values of confseq', () => {
  expect(bestPrecision({ bestAt })).toBeCloseTo(12.60056, 5)
  const shares = { bestAt, below: 0.2, above: 0.8 }
  for (const [mixture, log, bound] of [
    [twoSidedNormal({ bestAt }), -0.6510052, 30.35209],
    [oneSidedNormal({ bestAt }), -0.06502391, 27.66071],
    [gammaExponential({ bestAt, scale: 2 }), -0.2490165, 33.02017],
    [gammaPoisson({ bestAt, scale: 2 }), -0.06991219, 30.1949],
    [betaBinomial(shares), -0.6941012, 31.4308],
    [betaBinomial({ ...shares, oneSided: true }), -0.07134019, 28.41238],
  ] as const) {
    expect(mixture.log(10, 100)).toBeCloseTo(log, 6)
    expect(Math.abs(mixtureBound(mixture, 100, 0.05) - bound)).toBeLessThan(5.1e-6)
  }
  // a sum of two values cannot be larger
  expect(mixtureBound(betaBinomial({ ...shares, oneSided: true }), 2 * 0.2 * 0.8, 0.05)).toBeCloseTo(1.6, 9)
})

test('[STA-28] the two-sided normal bound is its closed form', () => {
  const rho = bestPrecision({ bestAt })
  for (const v of [1, 10, 1000, 1e6])
    expect(mixtureBound(twoSidedNormal({ bestAt }), v, 0.01)).toBeCloseTo(
      Math.sqrt((v + rho) * (Math.log(1 + v / rho) + 2 * Math.log(100))),
      6,
    )
})

test('[STA-28] the stitched bound, and the band around a distribution, have the values of confseq', () => {
  expect(Math.abs(stitchedBound(100, 0.05, { from: 10, scale: 3 }) - 64.48755)).toBeLessThan(5.1e-6)
  expect(Math.abs(stitchedBound(100, 0.05, { from: 10, scale: -1 }) - 28.99389)).toBeLessThan(5.1e-6)
  expect(distributionBand(1000, 0.05, 100)).toBeCloseTo(0.08204769, 6)
  // the closed form is a little wider
  const closed = 0.85 * Math.sqrt((Math.log(Math.log((Math.E * 1000) / 100)) + 0.8 * Math.log(1612 / 0.05)) / 1000)
  expect(closed).toBeCloseTo(0.082845, 6)
  expect(distributionBand(1000, 0.05, 100)).toBeLessThan(closed)
  expect(distributionBand(99, 0.05, 100)).toBe(Infinity)
})

test('[STA-28] intervals of a share have the values of confseq', () => {
  for (const [successes, trials, best, low, high] of [
    [700, 1000, 100, 0.651629, 0.745949],
    [15, 50, 50, 0.129556, 0.511896],
    [5, 50, 50, 0.013021, 0.269264],
    [1, 50, 50, 0, 0.13489],
    [1, 2, 50, 0, 1],
    [100, 200, 1, 0.328923, 0.671076],
    [0, 1, 50, 0, 1],
    [1, 1, 50, 0, 1],
  ] as const) {
    const found = shareInterval(successes, trials, { bestAt: best })
    expect(Math.abs(found.low - low)).toBeLessThan(1e-6)
    // stated cut to six digits, and this one to five
    expect(Math.abs(found.high - high)).toBeLessThan(high === 0.13489 ? 1e-5 : 1e-6)
  }
})

test('[STA-28] p of a quantile that moved has the values of confseq', () => {
  const values = (from: number) => Array.from({ length: 1000 }, (_, i) => from + i)
  for (const [quantile, shift, p] of [
    [0.5, 70, 0.814704],
    [0.5, 85, 0.0838055],
    [0.5, 100, 0.0054947],
    [0.9, 55, 0.0340463],
  ] as const) {
    const found = quantileShift(values(1), values(1 + shift), { quantile })
    expect(found.statistic).toBe(shift)
    expect(found.p).toBeCloseTo(p, 6)
  }
})

test('[STA-28] looked at after every value, an interval of a share leaves the truth out in 5 % of streams at most', () => {
  const random = seededRandom(28)
  let left = 0
  const streams = 200
  for (let stream = 0; stream < streams; stream++) {
    let successes = 0
    for (let n = 1; n <= 400; n++) {
      if (random.uniform() < 0.3) successes++
      if (n % 5 !== 0) continue
      const { low, high } = shareInterval(successes, n, { bestAt: 100 })
      if (low > 0.3 || high < 0.3) {
        left++
        break
      }
    }
  }
  // 5 % and four standard deviations of it; Wilson's leaves it out in about a third
  expect(left / streams).toBeLessThan(0.05 + 4 * Math.sqrt((0.05 * 0.95) / streams))
})
