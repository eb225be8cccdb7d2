import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cosineOfTurn, exactExp, exactLog, sineOfTurn } from '../../../shared/data/exact-math.ts'
import { parseIsoTime } from '../../../shared/data/civil-date.ts'

test('[DAT-52] the logarithm is right to two units in the last place over all positive numbers', () => {
  const right = (x: number) => {
    const expected = Math.log(x)
    expect(Math.abs(exactLog(x) - expected)).toBeLessThanOrEqual(2 * Math.max(Math.abs(expected) * 2 ** -52, 2 ** -1074))
  }
  fc.assert(fc.property(fc.double({ min: Number.MIN_VALUE, noNaN: true, maxExcluded: true }), right), { numRuns: 2000 })
  fc.assert(fc.property(fc.double({ min: 0.5, max: 2, noNaN: true }), right), { numRuns: 2000 })
  for (const x of [1, 2, 10, Number.MIN_VALUE, Number.MAX_VALUE, 2 ** -1022, Math.SQRT1_2, 1 + 2 ** -52, 1 - 2 ** -53]) right(x)
  expect(exactLog(1)).toBe(0)
})

test('[DAT-52] the exponential is right to some units in the last place, to both ends of the numbers', () => {
  const right = (x: number) => {
    const expected = Math.exp(x)
    if (expected === Number.POSITIVE_INFINITY) expect(exactExp(x)).toBe(expected)
    else expect(Math.abs(exactExp(x) - expected)).toBeLessThanOrEqual(8 * Math.max(expected * 2 ** -52, 2 ** -1074))
  }
  fc.assert(fc.property(fc.double({ min: -750, max: 720, noNaN: true }), right), { numRuns: 3000 })
  fc.assert(fc.property(fc.double({ min: -2, max: 2, noNaN: true }), right), { numRuns: 2000 })
  for (const x of [0, -0, 1, -1, Math.LN2, 709.7, 709.78, 710, 1e308, -708, -745, -746, -1e308, Number.MIN_VALUE]) right(x)
  expect([exactExp(0), exactExp(-0)]).toEqual([1, 1])
})

test('[DAT-52] sine and cosine of every part of a cycle are right, and exact at its quarters', () => {
  for (const whole of [7, 12, 24, 31, 366, 1440]) {
    for (let part = 0; part < whole; part++) {
      expect(sineOfTurn(part, whole)).toBeCloseTo(Math.sin((2 * Math.PI * part) / whole), 14)
      expect(cosineOfTurn(part, whole)).toBeCloseTo(Math.cos((2 * Math.PI * part) / whole), 14)
    }
  }
  expect([0, 1, 2, 3].map((part) => [sineOfTurn(part, 4), cosineOfTurn(part, 4)])).toEqual([
    [0, 1],
    [1, 0],
    [0, -1],
    [-1, 0],
  ])
})

test('[DAT-53] a time is read alike everywhere: ISO 8601, in UTC where no zone is named, and nothing else', () => {
  fc.assert(
    fc.property(fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }), (date) => {
      const iso = date.toISOString()
      expect(parseIsoTime(iso)).toBe(date.getTime())
      expect(parseIsoTime(iso.replace('T', ' ').replace('Z', ''))).toBe(date.getTime())
      expect(parseIsoTime(iso.slice(0, 10))).toBe(Math.floor(date.getTime() / 86_400_000) * 86_400_000)
    }),
  )
  expect(parseIsoTime('2001-02-03T04:05:06.789123+01:30')).toBe(Date.UTC(2001, 1, 3, 2, 35, 6, 789))
  expect(parseIsoTime('2001-02-03T04:05-0500')).toBe(Date.UTC(2001, 1, 3, 9, 5))
  for (const wrong of ['', '3 Feb 2001', '2001-2-3', '2001-04-31', '2001-02-29', '2001-02-03T24:00', '2001-02-03T04', '20010203', 'now'])
    expect([wrong, parseIsoTime(wrong)]).toEqual([wrong, undefined])
})
