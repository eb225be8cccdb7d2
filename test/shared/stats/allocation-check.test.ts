import { expect, test } from 'vitest'
import { seededRandom } from '../../../shared/core/random.ts'
import { addArrivals, allocationMismatch, changeShares, startAllocationCheck } from '../../../shared/stats/allocation-check.ts'
import { binomial, median } from './draws.ts'

test('[STA-20] the e-value is that of the Dirichlet-multinomial, in one batch or in many', () => {
  const once = addArrivals(startAllocationCheck([0.5, 0.5]), [3, 1])
  // a uniform prior gives each count of 0 to 4 the probability 1/5; the plan gives this sequence 1/16: (1/5 / 4) * 16
  expect(Math.exp(once.logE)).toBeCloseTo(16 / 20, 12)
  const stepwise = [
    [1, 0],
    [1, 1],
    [1, 0],
  ].reduce(addArrivals, startAllocationCheck([0.5, 0.5]))
  expect(stepwise.logE).toBeCloseTo(once.logE, 12)
})

test('[STA-20] arrivals as planned are called a mismatch with probability alpha at most, through a ramp', () => {
  const random = seededRandom(2)
  const runs = 400
  let alarms = 0
  for (let i = 0; i < runs; i++) {
    let state = startAllocationCheck([0.1, 0.9])
    for (let hour = 0; hour < 60; hour++) {
      if (hour === 30) state = changeShares(state, [0.5, 0.5])
      const candidate = binomial(random, 40, hour < 30 ? 0.1 : 0.5)
      state = addArrivals(state, [candidate, 40 - candidate])
    }
    if (allocationMismatch(state, 0.05)) alarms++
  }
  expect(alarms / runs).toBeLessThan(0.05 + 2 * Math.sqrt(0.0475 / runs))
})

test("[STA-20] a silent crash of half the candidate's devices is found after some hundred arrivals", () => {
  const random = seededRandom(3)
  const needed = Array.from({ length: 60 }, () => {
    let state = startAllocationCheck([0.5, 0.5])
    while (!allocationMismatch(state, 0.01) && state.n < 5000) {
      const candidate = random.uniform() < 1 / 3 ? 1 : 0
      state = addArrivals(state, [candidate, 1 - candidate])
    }
    return state.n
  })
  expect(median(needed)).toBeLessThan(250)
})
