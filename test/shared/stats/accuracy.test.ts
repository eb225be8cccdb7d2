import fc from 'fast-check'
import { expect, test } from 'vitest'
import { seededRandom } from '../../../shared/core/random.ts'
import { estimateAccuracy } from '../../../shared/stats/accuracy-estimate.ts'
import {
  calibrationError,
  countOutcome,
  countPrediction,
  emptyCalibration,
  mergeCalibration,
  validateCalibration,
} from '../../../shared/stats/calibration.ts'
import { countFeedback, emptyOutcomes, liveAccuracy, mergeOutcomes, validateOutcomes } from '../../../shared/stats/outcomes.ts'
import { wilsonInterval } from '../../../shared/stats/wilson.ts'

test("[STA-22] Wilson's interval has its known values", () => {
  // Newcombe 1998, table I
  const cases = [
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ] as const
  for (const [x, n, low, high] of cases) {
    const interval = wilsonInterval(x, n)
    expect(interval.low).toBeCloseTo(low, 4)
    expect(interval.high).toBeCloseTo(high, 4)
  }
  expect(wilsonInterval(0, 0)).toEqual({ low: 0, high: 1 })
  expect(wilsonInterval(20, 20).high).toBe(1)
})

const confidences = fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean()), { maxLength: 50 })

function calibrationOf(predictions: readonly (readonly [number, boolean])[]) {
  const counts = emptyCalibration(10)
  for (const [confidence, right] of predictions) {
    countPrediction(counts, confidence)
    countOutcome(counts, confidence, right)
  }
  return counts
}

test('[STA-23] calibration counts merge exactly and are accepted as sent', () => {
  fc.assert(
    fc.property(confidences, confidences, (a, b) => {
      const merged = mergeCalibration(calibrationOf(a), calibrationOf(b))
      expect(merged).toEqual(mergeCalibration(calibrationOf(b), calibrationOf(a)))
      expect(merged).toEqual(calibrationOf([...a, ...b]))
      expect(validateCalibration(JSON.parse(JSON.stringify(merged)), { bins: 10 })).toEqual({ ok: true, value: merged })
    }),
  )
})

test.each([
  ['another number of bins', (sent: ReturnType<typeof emptyCalibration>) => ({ ...sent, n: sent.n.slice(1) })],
  [
    'sums that confidences of the bin cannot have',
    (sent: ReturnType<typeof emptyCalibration>) => ({ ...sent, sumP: sent.sumP.map((x) => x * 2) }),
  ],
  [
    'sums too small for the bin',
    (sent: ReturnType<typeof emptyCalibration>) => ({ ...sent, sumP: sent.sumP.map((x) => Math.floor(x / 2)) }),
  ],
  ['more right than known', (sent: ReturnType<typeof emptyCalibration>) => ({ ...sent, correct: sent.correct.map((x) => x + 1) })],
  ['fractions', (sent: ReturnType<typeof emptyCalibration>) => ({ ...sent, invalid: 0.5 })],
])('[STA-23] refuses %s', (_, lie) => {
  const sent = lie(
    calibrationOf([
      [0.95, true],
      [0.15, false],
    ]),
  )
  expect(validateCalibration(sent, { bins: 10 })).toMatchObject({ ok: false, error: { code: 'invalid_input' } })
})

test('[STA-23] what is no probability is counted as such', () => {
  const counts = emptyCalibration()
  for (const p of [Number.NaN, -0.1, 1.1, Infinity]) countPrediction(counts, p)
  expect(counts).toEqual({ ...emptyCalibration(), invalid: 4 })
})

test('[STA-23] the calibration error of honest confidences is near 0, of boasts as large as the boast', () => {
  const random = seededRandom(1)
  const draws = Array.from({ length: 20_000 }, () => 0.5 + random.uniform() / 2)
  expect(calibrationError(calibrationOf(draws.map((p) => [p, random.uniform() < p])))).toBeLessThan(0.015)
  const boast = calibrationError(calibrationOf(draws.map((p) => [p, random.uniform() < p - 0.2])))
  expect(Math.abs((boast ?? 0) - 0.2)).toBeLessThan(0.015)
  expect(calibrationError(emptyCalibration())).toBeNull()
})

test('[STA-24] accuracy is estimated without labels, with a standard error that covers', () => {
  const random = seededRandom(2)
  const draw = (n: number, low: number, truth: (p: number) => number) =>
    Array.from({ length: n }, () => {
      const p = low + (1 - low) * random.uniform()
      return [p, random.uniform() < truth(p)] as const
    })
  const overconfident = (p: number) => p * p
  const calibration = calibrationOf(draw(5000, 0.3, overconfident))
  let covered = 0
  for (let run = 0; run < 200; run++) {
    const live = draw(300, 0.2, overconfident)
    const estimate = estimateAccuracy(calibrationOf(live), { calibration })
    const accuracy = live.filter(([, right]) => right).length / live.length
    if (estimate !== null && Math.abs(estimate.accuracy - accuracy) <= 2 * estimate.standardError) covered++
  }
  expect(covered / 200).toBeGreaterThan(0.9)
  // confidences taken at their word
  const honest = estimateAccuracy(calibrationOf(draw(4000, 0.6, (p) => p)))
  expect(Math.abs((honest?.accuracy ?? 0) - 0.8)).toBeLessThan(0.01)
  expect(honest?.standardError).toBeCloseTo(Math.sqrt(0.8 * 0.2 - 0.4 ** 2 / 12) / Math.sqrt(4000), 3)
  expect(estimateAccuracy(emptyCalibration())).toBeNull()
})

test('[STA-25] feedback gives live accuracy, overall and by predicted class, with its interval', () => {
  const counts = emptyOutcomes(3)
  for (let i = 0; i < 90; i++) countFeedback(counts, i % 3, i % 3 !== 2)
  const twice = mergeOutcomes(counts, counts)
  expect(twice).toEqual({ right: [60, 60, 0], wrong: [0, 0, 60] })
  expect(liveAccuracy(twice)).toMatchObject({ accuracy: 2 / 3, n: 180 })
  expect(liveAccuracy(twice, { predicted: 2 })).toMatchObject({ accuracy: 0, n: 60, interval: { low: 0 } })
  expect(liveAccuracy(emptyOutcomes(3))).toBeNull()
  expect(() => countFeedback(counts, 3, true)).toThrow(/one of the labels/)
  expect(validateOutcomes(JSON.parse(JSON.stringify(counts)), { classes: 3 }).ok).toBe(true)
  for (const sent of [{ right: [1], wrong: [1] }, { right: [1, 2, -1], wrong: [0, 0, 0] }, null])
    expect(validateOutcomes(sent, { classes: 3 }).ok).toBe(false)
})
