import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ConditionSize, planConditions } from '../../../server/metadata/run-search-plan.ts'

const of = (...sizes: number[]): ConditionSize[] => sizes.map((runs) => ({ runs, read: runs }))
const kinds = (sizes: ConditionSize[], runs = 30_000, limit = 50) =>
  planConditions(sizes, { runs, limit }).map(({ at, as }) => `${at} ${as}`)

test('[MET-27] conditions that most runs fulfil are looked up run by run, those that few fulfil are read once, first', () => {
  expect(kinds(of(27_000, 26_000))).toEqual(['1 look', '0 look'])
  expect(kinds(of(90))).toEqual(['0 set'])
  expect(kinds(of(15_000, 90))).toEqual(['1 set', '0 look'])
  // each for itself lets many through, all together next to none: nearly all runs are come by, until the first sets have thinned them out
  expect(kinds(of(3000, 3000, 3000, 3000, 3000))).toEqual(['0 set', '1 set', '2 look', '3 look', '4 look'])
  // what nothing fulfils ends the search with an empty set
  expect(kinds(of(20_000, 0))[0]).toBe('1 set')
  expect(kinds([], 0)).toEqual([])
})

test('[MET-27] every condition is asked once, whatever their sizes', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50_000), { maxLength: 8 }), fc.nat(50_000), fc.integer({ min: 1, max: 1000 }), (sizes, runs, limit) => {
      const planned = planConditions(of(...sizes), { runs, limit })
      expect(planned.map(({ at }) => at).sort((a, b) => a - b)).toEqual(sizes.map((_, i) => i))
    }),
  )
})
