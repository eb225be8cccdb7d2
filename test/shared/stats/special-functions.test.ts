import { expect, test } from 'vitest'
import {
  chiSquareCritical,
  chiSquareTail,
  gammaQ,
  kolmogorovTail,
  logAddExp,
  logChoose,
  logGamma,
  logMeanExp,
  normalCritical,
  normalTail,
} from '../../../shared/stats/special-functions.ts'

const close = (actual: number, expected: number, relative = 1e-9) => expect(Math.abs(actual / expected - 1)).toBeLessThan(relative)

test('[STA-1] special functions have the values of published tables', () => {
  close(logGamma(0.5), 0.5 * Math.log(Math.PI))
  close(logGamma(10), Math.log(362_880))
  close(logGamma(1e-3), 6.907178885383853)
  close(logChoose(52, 5), Math.log(2_598_960))
  // closed forms: Q(1, x) = e^-x, Q(2, x) = (1 + x) e^-x
  for (const x of [0.01, 0.5, 1.9, 3, 20, 200]) {
    close(gammaQ(1, x), Math.exp(-x))
    close(gammaQ(2, x), (1 + x) * Math.exp(-x))
  }
  // critical values of chi-square tables
  close(chiSquareTail(3.841458820694124, 1), 0.05)
  close(chiSquareTail(18.307038053275146, 10), 0.05)
  close(chiSquareTail(59.70306, 30), 0.001, 1e-5)
  close(chiSquareCritical(0.01, 9), 21.665994333461924)
  close(normalTail(1.959963984540054), 0.025)
  close(normalTail(-1), 0.8413447460685429)
  close(normalTail(10), 7.61985302416059e-24)
  close(normalCritical(0.005), 2.5758293035489004)
  close(normalCritical(0.975), -1.959963984540054)
  // Smirnov's table: 5 % at 1.3581, 0.1 % at 1.9495
  close(kolmogorovTail(1.3580986393225507), 0.05, 1e-7)
  close(kolmogorovTail(1.9494746035), 0.001, 1e-6)
  expect([kolmogorovTail(0), gammaQ(3, 0), gammaQ(3, Infinity), chiSquareTail(5, 0)]).toEqual([1, 1, 0, 1])
})

test('[STA-1] sums of logarithms neither overflow nor lose -Infinity', () => {
  close(logAddExp(1000, 1000), 1000 + Math.log(2))
  expect(logAddExp(-Infinity, 3)).toBe(3)
  expect(logAddExp(-Infinity, -Infinity)).toBe(-Infinity)
  close(logMeanExp([5000, -Infinity]), 5000 - Math.log(2))
})
