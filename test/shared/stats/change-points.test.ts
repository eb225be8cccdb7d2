import { expect, test } from 'vitest'
import { adwin } from '../../../shared/stats/change-points/adwin.ts'
import type { ChangeDetector } from '../../../shared/stats/change-points/change-detector.ts'
import { ddm } from '../../../shared/stats/change-points/ddm.ts'
import { eddm } from '../../../shared/stats/change-points/eddm.ts'
import { hddmAverage } from '../../../shared/stats/change-points/hddm-average.ts'
import { hddmWeighted } from '../../../shared/stats/change-points/hddm-weighted.ts'
import { kswin } from '../../../shared/stats/change-points/kswin.ts'
import { pageHinkley } from '../../../shared/stats/change-points/page-hinkley.ts'
import { kolmogorovSmirnovTwoSample } from '../../../shared/stats/two-sample/kolmogorov-smirnov.ts'
import { mersenneTwister, pythonRandom } from './mersenne-twister.ts'

const times = <T>(count: number, make: (at: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at))
const changes = (detector: ChangeDetector, stream: readonly number[]): number[] =>
  stream.flatMap((value, at) => (detector.add(value) ? [at] : []))
const sum = (values: readonly number[]): number => values.reduce((all, x) => all + x, 0)

// the streams of river's own tests
const numpy = () => mersenneTwister(12345)
const steps = (({ integer }) => [...times(1000, () => integer(2)), ...times(1000, () => integer(8))])(numpy())
const coins = (({ coin }) => [...times(1000, () => coin(0.2)), ...times(1000, () => coin(0.8))])(numpy())
const waves = (({ normal }) => [0, 0.25, 0, 0.25].flatMap((mean) => times(500, () => Number(mean + 0.1 * normal() > 0))))(numpy())

test('[STA-27] the streams are those of river', () => {
  expect(steps.slice(0, 10)).toEqual([0, 1, 1, 1, 0, 1, 0, 0, 1, 0])
  expect(sum(steps)).toBe(3985)
  expect(sum(coins)).toBe(1000)
})

test('[STA-27] changes are found at the very values at which river finds them', () => {
  expect(changes(pageHinkley(), steps)).toEqual([1020, 1991])
  expect(changes(kswin({ alpha: 1e-4, window: 200, recent: 100 }), steps)).toEqual([1042])
  expect(changes(adwin(), steps)).toEqual([1023])
  expect(changes(ddm(), coins)).toEqual([1049])
  expect(changes(eddm(), coins)).toEqual([681, 848, 983, 1042, 1089])
  expect(changes(hddmAverage(), coins)).toEqual([1047])
  expect(changes(hddmAverage({ twoSided: true }), waves)).toEqual([531, 1015, 1545])
  expect(changes(hddmWeighted(), coins)).toEqual([1018])
  // the fall at 1000 too, which release 0.10 passed over
  expect(changes(hddmWeighted({ twoSided: true }), waves)).toEqual([507, 1032, 1508])
})

test('[STA-27] ADWIN: four segments of random.Random(42), and exact sums of a window that is never cut', () => {
  const { choice } = pythonRandom(42)
  const stream = times(4, (at) => times(1000, () => choice(at % 2 === 0 ? [0, 1] : [4, 5, 6, 7]))).flat()
  expect(changes(adwin(), stream)).toEqual([1023, 2015, 3007])
  const still = adwin({ clock: 1_000_000 })
  const values = times(200, (at) => at % 7)
  expect(changes(still, values)).toEqual([])
  const mean = sum(values) / 200
  expect(still.window()).toMatchObject({ n: 200, sum: sum(values) })
  expect(still.window().squares).toBeCloseTo(sum(values.map((x) => (x - mean) ** 2)), 6)
})

test('[STA-27] nothing is told of a world that stays as it is', () => {
  for (const make of [pageHinkley, ddm, eddm, hddmAverage, hddmWeighted, kswin, adwin])
    for (const value of [0, 1])
      expect([
        make.name,
        changes(
          make(),
          times(3000, () => value),
        ),
      ]).toEqual([make.name, []])
})

// from scipy 1.17.1, ks_2samp
test('[STA-26] Kolmogorov-Smirnov of small samples is exact', () => {
  const { statistic, p } = kolmogorovSmirnovTwoSample([1, 2, 3, 4, 5, 6], [3.5, 4.5, 5.5, 6.5, 7.5])
  expect(statistic).toBeCloseTo(0.5, 12)
  expect(p).toBeCloseTo(5 / 14, 9)
})
