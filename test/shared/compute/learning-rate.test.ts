import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type LearningRate, learningRateAt } from '../../../shared/compute/learning-rate.ts'

test('[CMP-8] one cycle rises to its peak once and falls towards zero', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), fc.double({ min: 0, max: 1, noNaN: true }), (steps, warmup) => {
      const schedule: LearningRate = { kind: 'one-cycle', peak: 0.01, warmup }
      const rates = Array.from({ length: steps }, (_, step) => learningRateAt(schedule, step, steps))
      const top = rates.indexOf(Math.max(...rates))
      expect(rates.every((rate) => rate > 0 && rate <= 0.01 + 1e-12)).toBe(true)
      for (let i = 1; i < steps; i++) {
        if (i <= top) expect(rates[i]).toBeGreaterThanOrEqual(rates[i - 1] ?? 0)
        else expect(rates[i]).toBeLessThanOrEqual(rates[i - 1] ?? 0)
      }
    }),
  )
})

test('[CMP-8] a cosine goes from its rate to its floor, a constant stays', () => {
  const cosine: LearningRate = { kind: 'cosine', rate: 1, floor: 0.1 }
  expect(learningRateAt(cosine, 0, 100)).toBeCloseTo(1, 3)
  expect(learningRateAt(cosine, 50, 100)).toBeCloseTo(0.55, 1)
  expect(learningRateAt(cosine, 99, 100)).toBeCloseTo(0.1, 2)
  expect(learningRateAt({ kind: 'constant', rate: 0.3 }, 7, 9)).toBe(0.3)
})
