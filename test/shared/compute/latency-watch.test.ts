import { expect, test } from 'vitest'
import { latencyWatch } from '../../../shared/compute/latency-watch.ts'
import { seededRandom } from '../../../shared/core/random.ts'

/** After how many answers it was noticed; undefined where it was not within these many. */
function noticed(expected: number, timeOf: (i: number) => number, answers = 2000): number | undefined {
  const watch = latencyWatch(expected)
  for (let i = 0; i < answers; i++) if (watch.add(timeOf(i))) return i + 1
  return undefined
}

test('[CMP-62] a lasting change is noticed after two windows, slower or faster', () => {
  expect(noticed(10, () => 20)).toBe(80)
  expect(noticed(10, () => 4)).toBe(80)
  expect(noticed(10, (i) => (i < 400 ? 10 : 25))).toBe(480)
})

test('[CMP-62] noise, one busy window, single slow answers and what a clock cannot tell are no change', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = seededRandom(seed)
    const noisy = () => 10 * Math.exp(0.4 * (random.uniform() + random.uniform() + random.uniform() - 1.5))
    expect(noticed(10, noisy)).toBeUndefined()
    expect(noticed(10, () => (random.uniform() < 0.3 ? 500 : noisy()))).toBeUndefined()
  }
  expect(noticed(10, (i) => (Math.floor(i / 40) % 2 === 0 ? 30 : 10))).toBeUndefined()
  expect(noticed(10, (i) => (Math.floor(i / 40) % 2 === 0 ? 30 : 2))).toBeUndefined()
  expect(noticed(0.3, () => 1.2)).toBeUndefined()
})
