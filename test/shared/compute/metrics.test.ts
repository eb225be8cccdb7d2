import { expect, test } from 'vitest'
import { topClass } from '../../../shared/compute/metrics.ts'

test('[CMP-10] the class of an answer is the one with the greatest probability, the first of equals; of a single sigmoid above one half the second', () => {
  const three = { values: Float32Array.of(0.2, 0.5, 0.3, 0.4, 0.4, 0.2), classes: 3 }
  expect(topClass(three, 0)).toEqual({ label: 1, confidence: 0.5 })
  expect(topClass(three, 1)).toEqual({ label: 0, confidence: Math.fround(0.4) })
  const one = { values: Float32Array.of(0.75, 0.25, 0.5), classes: 1 }
  expect([0, 1, 2].map((i) => topClass(one, i))).toEqual([
    { label: 1, confidence: 0.75 },
    { label: 0, confidence: 0.75 },
    { label: 0, confidence: 0.5 },
  ])
})
