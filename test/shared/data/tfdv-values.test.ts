import { describe, expect, test } from 'vitest'
import { validateStatistics } from '../../../shared/data/anomalies.ts'
import type { Comparison } from '../../../shared/data/anomaly.ts'
import type { DatasetStatistics, NumericStatistics } from '../../../shared/data/dataset-statistics.ts'
import { datasetSchema } from '../../../shared/data/schema.ts'
import { statisticsOfBatch } from '../../../shared/data/statistics.ts'

const words = (counts: Record<string, number>): DatasetStatistics =>
  statisticsOfBatch({ x: Object.entries(counts).flatMap(([word, count]) => new Array<string>(count).fill(word)) })

type Bucket = readonly [low: number, high: number, count: number]

/** Statistics as a producer with other buckets than ours would hand them in. */
function numbers(buckets: readonly Bucket[], nan = 0): DatasetStatistics {
  const n = buckets.reduce((sum, [, , count]) => sum + count, 0)
  const numeric: NumericStatistics = {
    n,
    mean: 0,
    deviation: 0,
    min: buckets[0]?.[0] ?? 0,
    max: buckets.at(-1)?.[1] ?? 0,
    zeros: 0,
    nan,
    posInf: 0,
    negInf: 0,
    quantiles: [],
    histogram: { buckets: buckets.map(([low, high, count]) => ({ low, high, count })), nan },
  }
  return { examples: n + nan, features: [{ name: 'x', type: 'float', types: { float: n + nan }, count: n + nan, missing: 0, numeric }] }
}

function measured(distance: Comparison['distance'], current: DatasetStatistics, previous: DatasetStatistics): number | undefined {
  const type = current.features[0]?.type
  const schema = datasetSchema.parse({ features: [{ name: 'x', type, drift: { [distance]: 1 } }] })
  const { anomalies, comparisons } = validateStatistics(current, schema, { previous })
  expect(anomalies).toEqual([])
  return comparisons[0]?.value
}

describe('[DAT-26] what TFDV expects of its own distances', () => {
  test.each<[Comparison['distance'], DatasetStatistics, DatasetStatistics, number]>([
    ['infinityNorm', words({ hello: 1, world: 9 }), words({ hello: 3, world: 7 }), 0.2],
    ['infinityNorm', words({ b: 9, c: 1 }), words({ a: 3, b: 7 }), 0.3],
    ['normalizedAbsoluteDifference', words({ hello: 1, world: 9 }), words({ hello: 3, world: 7 }), 0.1],
    ['normalizedAbsoluteDifference', words({ hello: 1, world: 5 }), words({ hello: 10, world: 50 }), 0.68181818],
    [
      'jensenShannonDivergence',
      numbers([
        [1, 2, 2],
        [2, 3, 2],
      ]),
      numbers([
        [2, 4, 2],
        [4, 6, 2],
      ]),
      0.65563906222,
    ],
    ['jensenShannonDivergence', numbers([[1, 2, 3]], 1), numbers([[1, 2, 4]]), 0.13792538096],
    ['jensenShannonDivergence', numbers([[1, 1, 4]]), numbers([[2, 6, 4]]), 1],
    ['jensenShannonDivergence', numbers([[1, 1, 4]]), numbers([[2.33, 2.33, 4]]), 1],
    [
      'jensenShannonDivergence',
      numbers([[10, 10, 4]]),
      numbers([
        [0, 10, 2],
        [10, 20, 2],
      ]),
      1,
    ],
  ])('[DAT-26] %s', (distance, current, previous, expected) => {
    for (const [a, b] of [
      [current, previous],
      [previous, current],
    ] as const)
      expect(Math.abs((measured(distance, a, b) ?? Number.NaN) - expected)).toBeLessThan(1e-6)
  })

  test('[DAT-26] a value at the threshold passes, one above fails', () => {
    const at = (threshold: number) =>
      validateStatistics(
        words({ hello: 1, world: 3 }),
        datasetSchema.parse({ features: [{ name: 'x', type: 'string', drift: { infinityNorm: threshold } }] }),
        {
          previous: words({ hello: 2, world: 2 }),
        },
      ).anomalies.map(({ name }) => name)
    expect(at(0.25)).toEqual([])
    expect(at(0.2499999)).toEqual(['COMPARATOR_L_INFTY_HIGH'])
  })
})
