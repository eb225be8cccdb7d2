import fc from 'fast-check'
import { expect, test } from 'vitest'
import { binomialTail, enterTrial, heldTo, isBad, isOver } from '../../../../client/sdk/monitoring/first-window.ts'
import type { FirstWindow } from '../../../../client/sdk/storage/model-state.ts'
import type { Sha256 } from '../../../../shared/core/digest.ts'
import { newId } from '../../../../shared/core/ids.ts'
import { seededRandom } from '../../../../shared/core/random.ts'

const rollout = newId('rollout', seededRandom(1))
const manifest = 'a'.repeat(64) as Sha256
const trial = (arm: 'candidate' | 'stable', stage: number) => ({ rollout, arm, stage, version: { version: 2, manifest }, firstWindow: 20 })
const window = (more: Partial<FirstWindow> = {}): FirstWindow => ({
  rollout,
  arm: 'stable',
  stage: 0,
  manifest,
  began: 0,
  predictions: 0,
  labelled: 0,
  wrong: 0,
  closed: false,
  ...more,
})
const DAY = 24 * 60 * 60 * 1000

test('[DEV-34] the binomial tail is that of the tables', () => {
  // R: 1 - pbinom(1, 20, 0.02) and so on
  expect(binomialTail(2, 20, 0.02)).toBeCloseTo(0.05989946, 6)
  expect(binomialTail(3, 20, 0.02)).toBeCloseTo(0.00706869, 6)
  expect(binomialTail(10, 20, 0.5)).toBeCloseTo(0.5880985, 6)
  expect(binomialTail(0, 20, 0.02)).toBe(1)
})

test('[DEV-34] a device whose version keeps its promise is bad in one case of twenty at most', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), fc.double({ min: 0.005, max: 0.5, noNaN: true }), (n, promised) => {
      let bad = 0
      for (let wrong = 0; wrong <= n; wrong++) {
        if (isBad(window({ labelled: n, wrong }), promised)) bad = Math.max(bad, binomialTail(wrong, n, heldTo(promised)))
      }
      return bad < 0.05
    }),
  )
})

test('[DEV-34] whether a window is over never depends on what was right', () => {
  fc.assert(
    fc.property(fc.nat(60), fc.nat(60), fc.nat(60), fc.nat(2 * DAY), fc.boolean(), (predictions, labelled, wrong, now, flushing) => {
      const one = window({ predictions, labelled, wrong: 0 })
      return isOver(one, 20, now, flushing) === isOver({ ...one, wrong: Math.min(wrong, labelled) }, 20, now, flushing)
    }),
  )
  expect(isOver(window({ predictions: 19 }), 20, 0, true)).toBe(false)
  expect(isOver(window({ predictions: 20 }), 20, 0, true)).toBe(true)
  expect(isOver(window({ predictions: 20 }), 20, 0, false)).toBe(false)
  expect(isOver(window({ predictions: 20, labelled: 20 }), 20, 0, false)).toBe(true)
  expect(isOver(window({ predictions: 1 }), 20, DAY, true)).toBe(true)
  expect(isOver(window(), 20, DAY, true)).toBe(false)
})

test('[DEV-35] a device has one window as a candidate, and before it one in each stage as a stable one', () => {
  const closed = window({ closed: true, predictions: 20 })
  expect(enterTrial(null, trial('stable', 0), 5)).toMatchObject({ arm: 'stable', began: 5, closed: false })
  expect(enterTrial(closed, trial('stable', 0), 5)).toMatchObject({ closed: true })
  expect(enterTrial(closed, trial('stable', 1), 5)).toMatchObject({ closed: false, stage: 1, predictions: 0 })
  expect(enterTrial(window({ predictions: 7 }), trial('stable', 1), 5)).toMatchObject({ predictions: 7, stage: 1 })
  expect(enterTrial(closed, trial('candidate', 1), 5)).toMatchObject({ arm: 'candidate', closed: false, predictions: 0 })
  const candidate = window({ arm: 'candidate', closed: true })
  expect(enterTrial(candidate, trial('candidate', 2), 5)).toBe(candidate)
})
