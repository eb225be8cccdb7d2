import { expect, test } from 'vitest'
import { must } from '../../../shared/core/assert.ts'
import { type Random, seededRandom } from '../../../shared/core/random.ts'
import { startCounting } from '../../../shared/stats/counters.ts'
import { startDriftWatch, stepDriftWatch, windowLogE } from '../../../shared/stats/drift-watch.ts'
import { makeNumericReference } from '../../../shared/stats/numeric-reference.ts'
import { normals } from './draws.ts'

const reference = makeNumericReference(normals(seededRandom(1), 5000), 16)

function window(random: Random, n: number, shift = 0) {
  const counting = startCounting({ x: reference })
  for (const x of normals(random, n, shift)) counting.observe('x', x)
  return { reference, counters: must(counting.take()['x'], 'counts') }
}

test("[STA-14] without a change a window's e-value is 1 on average at most", () => {
  const random = seededRandom(2)
  let sum = 0
  const runs = 2000
  for (let i = 0; i < runs; i++) {
    const { counters } = window(random, 60)
    sum += Math.exp(windowLogE(reference, counters, { tolerance: 0 }))
  }
  expect(sum / runs).toBeLessThan(1.1)
})

test('[STA-14] alarms without a change are at least 1/alpha windows apart on average', () => {
  const random = seededRandom(3)
  let state = startDriftWatch()
  const windows = 4000
  for (let i = 0; i < windows; i++) state = stepDriftWatch(state, window(random, 60), { alpha: 1 / 100, tolerance: 0 }).state
  expect(state.windows).toBe(windows)
  expect(state.alarms).toBeLessThanOrEqual(windows / 100 + 3 * Math.sqrt(windows / 100))
})

test('[STA-14] a shift is found within a few windows, and alarms repeat while it lasts', () => {
  const random = seededRandom(4)
  let state = startDriftWatch()
  for (let i = 0; i < 200; i++) state = stepDriftWatch(state, window(random, 200)).state
  expect(state.alarms).toBe(0)
  for (let i = 0; i < 20; i++) {
    const step = stepDriftWatch(state, window(random, 200, 1))
    expect(step.alarm).toBe(step.state.lastAlarm === step.state.windows)
    state = step.state
    if (i === 4) expect(state.alarms).toBeGreaterThan(0)
  }
  expect(state.alarms).toBeGreaterThan(3)
  expect(JSON.parse(JSON.stringify(state))).toEqual(state)
})

test('[STA-14] a window without values changes nothing but the count of windows', () => {
  const random = seededRandom(5)
  const { state } = stepDriftWatch(startDriftWatch(), window(random, 0))
  expect(state).toEqual({ logM: 0, windows: 1, alarms: 0, lastAlarm: 0 })
})

test('[STA-13] a window of few devices that differ among themselves is no evidence', () => {
  const random = seededRandom(6)
  const devices = 10
  let naive = 0
  let aware = 0
  const runs = 60
  for (let run = 0; run < runs; run++) {
    const counting = startCounting({ x: reference })
    for (let device = 0; device < devices; device++) {
      const habit = normals(random, 1, 0, Math.sqrt(0.5))[0]
      for (const x of normals(random, 50, habit, Math.sqrt(0.5))) counting.observe('x', x)
    }
    const counters = must(counting.take()['x'], 'counts')
    if (windowLogE(reference, counters, { tolerance: 0 }) > Math.log(20)) naive++
    if (windowLogE(reference, counters, { tolerance: 0, devices, correlation: 0.5 }) > Math.log(20)) aware++
  }
  expect(naive / runs).toBeGreaterThan(0.1)
  expect(aware / runs).toBeLessThan(0.05)
})
