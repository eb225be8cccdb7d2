import { expect, test } from 'vitest'
import { type Random, seededRandom } from '../../../shared/core/random.ts'
import { countPromise, promisedErrorSchema, startPromisedError } from '../../../shared/stats/promised-error.ts'
import { median } from './draws.ts'

/** Inferences until the promise is broken, or `limit`. */
function inferences(random: Random, rate: number, terms: { promised: number; alpha?: number }, limit: number): number {
  let state = startPromisedError()
  while (!state.broken && state.n < limit) state = countPromise(state, random.uniform() < rate, terms)
  return state.broken ? state.n : Infinity
}

test('[STA-21] a device that keeps the promise goes back with probability alpha at most', () => {
  const random = seededRandom(1)
  const runs = 1500
  const alarms = Array.from({ length: runs }, () => inferences(random, 0.05, { promised: 0.05, alpha: 0.05 }, 400)).filter(
    Number.isFinite,
  ).length
  expect(alarms / runs).toBeLessThan(0.05 + 2 * Math.sqrt(0.0475 / runs))
  expect(alarms).toBeGreaterThan(0)
})

test('[STA-21] worse rates are found after about as many inferences as published', () => {
  const random = seededRandom(2)
  // promised 1 %, alpha 0.1 %: medians 181, 55, 19, 6
  for (const [rate, expected] of [
    [0.05, 181],
    [0.1, 55],
    [0.2, 19],
    [0.5, 6],
  ] as const) {
    const found = median(Array.from({ length: 300 }, () => inferences(random, rate, { promised: 0.01 }, 5000)))
    expect(Math.abs(found / expected - 1)).toBeLessThan(0.35)
  }
})

test('[STA-21] once broken stays broken, high promised rates work, and the state survives JSON', () => {
  const terms = { promised: 0.4, alpha: 0.01 }
  let state = startPromisedError()
  for (let i = 0; i < 40; i++) state = countPromise(state, true, terms)
  expect(state.broken).toBe(true)
  for (let i = 0; i < 400; i++) state = countPromise(state, false, terms)
  expect(state.broken).toBe(true)
  expect(promisedErrorSchema.parse(JSON.parse(JSON.stringify(state)))).toEqual(state)
})
