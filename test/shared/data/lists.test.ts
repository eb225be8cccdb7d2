import fc from 'fast-check'
import { expect, test } from 'vitest'
import { validateStatistics } from '../../../shared/data/anomalies.ts'
import type { Scalar } from '../../../shared/data/columns.ts'
import { datasetStatisticsSchema } from '../../../shared/data/dataset-statistics.ts'
import { inferSchema } from '../../../shared/data/infer-schema.ts'
import { datasetSchema } from '../../../shared/data/schema.ts'
import { statisticsOfBatch } from '../../../shared/data/statistics.ts'

type List = readonly Scalar[] | null
const of = (lists: readonly List[]) => statisticsOfBatch({ x: { kind: 'lists', lists } } as never)
const held = (lists: readonly List[], feature: object): string[] =>
  validateStatistics(of(lists), datasetSchema.parse({ features: [{ name: 'x', ...feature }] })).anomalies.map(({ name }) => name)

test('[DAT-21] lists count as one value a row; their values are what types and figures are about', () => {
  const statistics = of([[1, 2, 3], null, [], [4]])
  expect(statistics.features).toMatchObject([
    {
      type: 'int',
      count: 3,
      missing: 1,
      types: { int: 4 },
      lists: { min: 0, max: 3, mean: 4 / 3 },
      numeric: { n: 4, min: 1, max: 4, mean: 2.5, quantiles: expect.arrayContaining([1, 4]) as number[] },
    },
  ])
  expect(datasetStatisticsSchema.parse(JSON.parse(JSON.stringify(statistics)))).toEqual(statistics)
})

test('[DAT-21] the number of values has bounds, and lists are no single values', () => {
  const lists = [['a'], ['a', 'b']]
  expect(held(lists, { type: 'string', valueCount: { min: 1, max: 2 } })).toEqual([])
  expect(held(lists, { type: 'string', valueCount: { min: 2 } })).toEqual(['FEATURE_TYPE_LOW_NUMBER_VALUES'])
  expect(held(lists, { type: 'string', valueCount: { max: 1 } })).toEqual(['FEATURE_TYPE_HIGH_NUMBER_VALUES'])
  expect(held(lists, { type: 'string' })).toEqual(['VALUE_NESTEDNESS_MISMATCH'])
  const single = validateStatistics(
    statisticsOfBatch({ x: ['a'] }),
    datasetSchema.parse({ features: [{ name: 'x', type: 'string', valueCount: {} }] }),
  )
  expect(single.anomalies.map(({ name }) => name)).toEqual(['VALUE_NESTEDNESS_MISMATCH'])
  expect(held([['a', 'z']], { type: 'string', valueCount: {}, domain: { kind: 'values', values: ['a'], minMass: 0.5 } })).toEqual([])
  expect(held([['a', 'z']], { type: 'string', valueCount: {}, domain: { kind: 'values', values: ['a'], minMass: 0.51 } })).toEqual([
    'ENUM_TYPE_UNEXPECTED_STRING_VALUES',
  ])
})

test('[DAT-21] any lists fit the schema inferred from them', () => {
  const list = fc.option(fc.array(fc.oneof(fc.integer(), fc.double(), fc.constantFrom('a', 'b'), fc.constant(null)), { maxLength: 4 }))
  fc.assert(
    fc.property(fc.array(list, { maxLength: 20 }), (lists) => {
      const statistics = of(lists)
      expect(
        validateStatistics(statistics, inferSchema(statistics)).anomalies.filter(({ name }) => name !== 'UNEXPECTED_DATA_TYPE'),
      ).toEqual([])
    }),
  )
})
