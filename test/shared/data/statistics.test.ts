import { describe, expect, test } from 'vitest'
import { must } from '../../../shared/core/assert.ts'
import { AppError } from '../../../shared/core/errors.ts'
import { normal, seededRandom } from '../../../shared/core/random.ts'
import { batchLength, columnsOf } from '../../../shared/data/columns.ts'
import { datasetStatisticsSchema, statisticsOf } from '../../../shared/data/dataset-statistics.ts'
import { inferSchema } from '../../../shared/data/infer-schema.ts'
import { datasetSchema } from '../../../shared/data/schema.ts'
import { startStatistics, statisticsOfBatch } from '../../../shared/data/statistics.ts'
import { suggestPreparation } from '../../../shared/data/suggestions.ts'
import { countValues } from '../../../shared/data/value-counts.ts'
import { digitColumn, digitLabels } from './mnist.ts'

describe('[DAT-1] statistics', () => {
  test('[DAT-1] each type is told from the values, and counted', () => {
    const statistics = statisticsOfBatch(
      columnsOf([
        { id: 1, big: 7n, share: 0.5, mixed: 1, name: 'a', when: new Date(5000), raw: new Uint8Array(3), yes: true },
        { id: 2, big: 8n, share: 2, mixed: 'two', name: 'b', when: new Date(7000), raw: null, yes: false },
        { id: 3, big: null, share: Number.NaN, mixed: null, name: 'a', when: null, raw: undefined, yes: true },
      ]),
    )
    const types = Object.fromEntries(statistics.features.map(({ name, type, missing }) => [name, [type, missing]]))
    expect(types).toEqual({
      id: ['int', 0],
      big: ['int', 1],
      share: ['float', 0],
      mixed: ['string', 1],
      name: ['string', 0],
      when: ['time', 1],
      raw: ['bytes', 2],
      yes: ['string', 0],
    })
    expect(statisticsOf(statistics, 'share')).toMatchObject({
      types: { int: 1, float: 2 },
      numeric: { n: 2, nan: 1, mean: 1.25, min: 0.5, max: 2 },
    })
    expect(statisticsOf(statistics, 'name')?.categorical).toMatchObject({
      unique: 2,
      exact: true,
      top: [
        { value: 'a', count: 2 },
        { value: 'b', count: 1 },
      ],
    })
    expect(statisticsOf(statistics, 'when')?.numeric).toMatchObject({ min: 5000, max: 7000 })
    expect(datasetStatisticsSchema.parse(JSON.parse(JSON.stringify(statistics)))).toEqual(statistics)
  })

  test('[DAT-1] batches add up to the same statistics as all rows at once; a column may come late or go', () => {
    const random = seededRandom(1)
    const rows = Array.from({ length: 3000 }, (_, i) => ({
      x: normal(random),
      colour: ['red', 'green'][i % 2],
      ...(i >= 1000 && i < 2000 ? { late: i } : {}),
    }))
    const stream = startStatistics()
    for (let at = 0; at < rows.length; at += 250) stream.add(columnsOf(rows.slice(at, at + 250)))
    const streamed = stream.finish()
    expect(streamed).toEqual(statisticsOfBatch(columnsOf(rows)))
    expect(statisticsOf(streamed, 'late')).toMatchObject({ count: 1000, missing: 2000 })
  })

  test('[DAT-1] quantiles and moments of many more rows than the sample holds are right', () => {
    const random = seededRandom(2)
    const values = Float64Array.from({ length: 60_000 }, () => 10 + 2 * normal(random))
    const { numeric } = must(statisticsOf(statisticsOfBatch({ x: values }, { sampleRows: 4000 }), 'x'), 'x')
    expect(Math.abs((numeric?.mean ?? 0) - 10)).toBeLessThan(0.03)
    expect(Math.abs((numeric?.deviation ?? 0) - 2)).toBeLessThan(0.03)
    expect(Math.abs((numeric?.quantiles[16] ?? 0) - 10)).toBeLessThan(0.15)
    expect(Math.abs((numeric?.quantiles[8] ?? 0) - (10 - 2 * 0.6745))).toBeLessThan(0.15)
    const total = numeric?.histogram.buckets.reduce((sum, { count }) => sum + count, 0)
    expect(total).toBeCloseTo(60_000, 3)
  })

  test('[DAT-1] memory is bounded: 200,000 distinct values are estimated, frequent ones kept', () => {
    const counts = countValues()
    for (let i = 0; i < 200_000; i++) {
      counts.add(`value ${i}`)
      if (i % 10 === 0) counts.add('often')
    }
    const found = must(counts.finish(), 'counts')
    expect(found.exact).toBe(false)
    expect(Math.abs(found.unique / 200_001 - 1)).toBeLessThan(0.2)
    expect(found.top[0]?.value).toBe('often')
    expect(20_000 - (found.top[0]?.count ?? 0)).toBeLessThan(220_000 / 8192 + 1)
  })

  test('[DAT-1] images have their size and their monitored numbers', () => {
    const statistics = statisticsOfBatch({ image: digitColumn(0, 500), label: digitLabels.slice(0, 500) }, { label: 'label' })
    expect(statisticsOf(statistics, 'image')).toMatchObject({
      type: 'image',
      count: 500,
      image: { shapes: [{ height: 28, width: 28, channels: 1, count: 500 }] },
    })
    expect(statisticsOf(statistics, 'image')?.image?.features['ink']?.mean).toBeGreaterThan(0.08)
    expect(statisticsOf(statistics, 'label')).toMatchObject({ type: 'int', categorical: { unique: 10 } })
    expect(datasetStatisticsSchema.parse(JSON.parse(JSON.stringify(statistics)))).toEqual(statistics)
  })

  test('[DAT-1] columns of different lengths are refused', () => {
    expect(() => batchLength({ a: [1, 2], b: [1] })).toThrow(AppError)
    expect(statisticsOfBatch({})).toEqual({ examples: 0, features: [] })
  })
})

describe('[DAT-2] inferred schema', () => {
  test('[DAT-2] says only what the data shows without exception', () => {
    const rows = Array.from({ length: 200 }, (_, i) => ({
      id: `row ${i}`,
      colour: ['red', 'green', 'blue'][i % 3],
      amount: i / 3,
      often: i % 7 === 0 ? null : i,
      dirty: i === 5 ? Number.NaN : 0.5 * i,
      empty: null,
      label: i % 2,
    }))
    const schema = inferSchema(statisticsOfBatch(columnsOf(rows)), { label: 'label' })
    const required = { minFraction: 1, minCount: 1 }
    expect(schema).toEqual({
      environments: ['TRAINING', 'SERVING'],
      label: 'label',
      features: [
        { name: 'id', type: 'string', presence: required },
        { name: 'colour', type: 'string', presence: required, domain: { kind: 'values', values: ['blue', 'green', 'red'], minMass: 1 } },
        { name: 'amount', type: 'float', presence: required, domain: { kind: 'range', disallowNan: true, disallowInf: true } },
        { name: 'often', type: 'int' },
        { name: 'dirty', type: 'float', presence: required, domain: { kind: 'range', disallowNan: false, disallowInf: true } },
        {
          name: 'label',
          type: 'int',
          presence: required,
          domain: { kind: 'values', values: ['0', '1'], minMass: 1 },
          environments: ['TRAINING'],
        },
      ],
    })
    expect(datasetSchema.parse(JSON.parse(JSON.stringify(schema)))).toEqual(schema)
  })

  test('[DAT-2] images of one size get that size as their domain', () => {
    const schema = inferSchema(statisticsOfBatch({ image: digitColumn(0, 10) }))
    expect(schema.features).toEqual([
      {
        name: 'image',
        type: 'image',
        presence: { minFraction: 1, minCount: 1 },
        domain: { kind: 'image', height: 28, width: 28, channels: 1 },
      },
    ])
  })

  test('[DAT-3] a schema that contradicts itself is refused', () => {
    const feature = { name: 'a', type: 'int' }
    for (const broken of [
      { features: [feature, feature] },
      { features: [feature], label: 'b' },
      { features: [{ ...feature, environments: ['MOON'] }] },
      { features: [{ name: 'a', type: 'number' }] },
    ]) {
      expect(datasetSchema.safeParse(broken).success).toBe(false)
    }
    expect(datasetSchema.parse({ features: [feature] })).toEqual({ environments: ['TRAINING', 'SERVING'], features: [feature] })
  })
})

test('[DAT-8] suggestions name what each feature needs, and nothing that needs nothing', () => {
  const random = seededRandom(4)
  const rows = Array.from({ length: 2000 }, (_, i) => {
    const label = random.uniform() < 0.04 ? 'late' : 'early'
    return {
      label,
      tidy: normal(random),
      row: i,
      code: `code ${i}`,
      city: `city ${random.integer(300)}`,
      same: 7,
      gap: random.uniform() < 0.3 ? null : normal(random),
      void: random.uniform() < 0.8 ? null : 1.5 * random.uniform(),
      income: Math.exp(8 + 2 * normal(random)),
      height: 1700 + 80 * normal(random),
      spike: i === 7 ? 900 : normal(random),
      arrived: label === 'late' ? 1 + random.uniform() : -random.uniform(),
      hint: normal(random) + (label === 'late' ? 0.5 : 0),
    }
  })
  const suggestions = suggestPreparation(statisticsOfBatch(columnsOf(rows), { label: 'label' }), { label: 'label' })
  expect(suggestions.map(({ feature, kind }) => `${feature} ${kind}`)).toEqual([
    'label imbalance',
    'row identifier',
    'code identifier',
    'city cardinality',
    'same constant',
    'gap missing',
    'void missing',
    'income scale',
    'height scale',
    'spike scale',
    'spike outliers',
    'arrived leakage',
  ])
  expect(suggestions.find(({ feature }) => feature === 'void')?.advice).toContain('drop the feature')
})

test('[DAT-8] an identifier is known as one also where its distinct values are too many to track', () => {
  const suggestions = suggestPreparation(statisticsOfBatch({ id: Array.from({ length: 30_000 }, (_, i) => `id ${i}`) }))
  expect(suggestions.map(({ kind }) => kind)).toEqual(['identifier'])
})
