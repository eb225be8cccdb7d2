import { expect, test } from 'vitest'
import { seededRandom } from '../../../shared/core/random.ts'
import { andersonDarling } from '../../../shared/stats/two-sample/anderson-darling.ts'
import { cramerVonMises } from '../../../shared/stats/two-sample/cramer-von-mises.ts'
import { energyDistance } from '../../../shared/stats/two-sample/energy-distance.ts'
import { eppsSingleton } from '../../../shared/stats/two-sample/epps-singleton.ts'
import { fisherExact } from '../../../shared/stats/two-sample/fisher-exact.ts'
import { gTest } from '../../../shared/stats/two-sample/g-test.ts'
import { mannWhitney } from '../../../shared/stats/two-sample/mann-whitney.ts'
import { tTest } from '../../../shared/stats/two-sample/t-test.ts'
import { totalVariation } from '../../../shared/stats/two-sample/total-variation.ts'
import { normals } from './draws.ts'
import { mersenneTwister } from './mersenne-twister.ts'

const rows = (counts: readonly number[]): number[] => counts.flatMap((count, i) => new Array<number>(count).fill(i + 1))
const COUNTS = { reference: [16, 18, 16, 14, 12, 12], current: [16, 16, 16, 16, 16, 8] }
const ROWS = { reference: rows(COUNTS.reference), current: rows(COUNTS.current) }
const X = [38.7, 41.5, 43.8, 44.5, 45.5, 46.0, 47.7, 58.0]
const Y = [39.2, 39.3, 39.7, 41.4, 41.8, 42.9, 43.3, 45.8]

test('[STA-26] the tests of evidently have the values of its own tests', () => {
  // of one side there, of both here
  expect(mannWhitney(ROWS.reference, ROWS.current).p / 2).toBeCloseTo(0.481, 3)
  expect(eppsSingleton(ROWS.reference, ROWS.current).p).toBeCloseTo(0.81, 3)
  expect(tTest(X, Y).p).toBeCloseTo(0.084, 3)
  expect(andersonDarling(X, Y).p).toBeCloseTo(0.0635, 4)
  expect(
    energyDistance(
      X,
      X.map((x) => x + 5),
    ).statistic,
  ).toBeCloseTo(1.9, 1)
  expect(gTest([5, 5, 8], [4, 6, 8]).p).toBeCloseTo(0.8176, 4)
  // stated cut, not rounded
  expect(Math.floor(fisherExact([45, 45], [30, 60]).p * 1000) / 1000).toBe(0.033)
})

test('[STA-26] permutation: as many relabellings reach the total variation as in evidently, give or take what 999 of them can tell', () => {
  const { p, statistic } = totalVariation(COUNTS.reference, COUNTS.current)
  expect(statistic).toBeCloseTo(6 / 88, 12)
  expect(Math.abs(p - 0.928)).toBeLessThan(4 * Math.sqrt((2 * 0.928 * 0.072) / 1000))
})

test('[STA-26] Cramér-von Mises on normal draws of numpy, seeds 0 and 1', () => {
  const [a, b] = [0, 1].map((seed) => Array.from({ length: 100 }, mersenneTwister(seed).normal)) as [number[], number[]]
  expect(a.slice(0, 2)).toEqual([expect.closeTo(1.76405235, 8), expect.closeTo(0.40015721, 8)])
  expect(cramerVonMises(a, b).p).toBeCloseTo(0.8076839, 7)
})

// from scipy 1.17.1
test('[STA-26] statistics and p of scipy to 1e-6', () => {
  const close = (found: { statistic: number; p: number }, statistic: number, p: number) => {
    expect(found.statistic).toBeCloseTo(statistic, 6)
    expect(found.p).toBeCloseTo(p, 6)
  }
  close(mannWhitney(ROWS.reference, ROWS.current), 3856, 0.962866061197499)
  close(mannWhitney(X, Y), 49, 0.08312293695990333)
  close(eppsSingleton(ROWS.reference, ROWS.current), 1.5931502246624731, 0.8100227257214628)
  close(eppsSingleton(X, Y), 3.981988619558072, 0.40844891295815533)
  close(tTest(X, Y), 1.8594523396226919, 0.08410572024397057)
  close(andersonDarling(X, Y), 1.7183096744360893, 0.0635146772876083)
  close(andersonDarling(ROWS.reference, ROWS.current), -1.1079587585572752, 0.25)
  close(cramerVonMises(X, Y), 0.4375, 0.05788700364500943)
  close(cramerVonMises(ROWS.reference, ROWS.current), 0.020661157024793653, 0.9976139157663553)
  close(gTest([5, 5, 8], [4, 6, 8]), 0.40271027101377754, 0.817622013379844)
  close(fisherExact([45, 45], [30, 60]), 2, 0.033972274322700745)
  expect(energyDistance(X, Y).statistic).toBeCloseTo(1.570230874744221, 6)
  expect(energyDistance(ROWS.reference, ROWS.current).statistic).toBeCloseTo(0.07872958216222169, 6)
})

const NUMERIC = { mannWhitney, eppsSingleton, tTest, andersonDarling, cramerVonMises, energyDistance }

test.each(Object.keys(NUMERIC) as (keyof typeof NUMERIC)[])(
  '[STA-26] unchanged samples reach a level about as often as it says, moved ones always: %s',
  (name) => {
    const run = NUMERIC[name]
    const random = seededRandom(11)
    const rounds = 300
    let alarms = 0
    for (let i = 0; i < rounds; i++) if (run(normals(random, 60), normals(random, 80)).p <= 0.05) alarms++
    // four standard deviations of 5 % in 300
    expect(alarms / rounds).toBeLessThan(0.1)
    for (let i = 0; i < 20; i++) expect(run(normals(random, 60), normals(random, 80, 2)).p).toBeLessThanOrEqual(0.01)
  },
)

test('[STA-26] constant values, and single ones, are no change', () => {
  for (const [name, run] of Object.entries(NUMERIC))
    if (name !== 'eppsSingleton')
      for (const values of [[1, 1, 1, 1], [7]]) expect([name, run(values, values).p > 0.2]).toEqual([name, true])
  expect(eppsSingleton([1, 1], [1, 1]).p).toBeNaN()
  expect(gTest([3, 0], [3, 1])).toEqual({ statistic: Infinity, p: 0 })
})
