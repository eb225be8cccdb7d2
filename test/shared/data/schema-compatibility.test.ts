import fc from 'fast-check'
import { expect, test } from 'vitest'
import { validateStatistics } from '../../../shared/data/anomalies.ts'
import { columnsOf, type Scalar } from '../../../shared/data/columns.ts'
import { inferSchema } from '../../../shared/data/infer-schema.ts'
import { mergeSchemas } from '../../../shared/data/merge-schema.ts'
import { incompatibilities } from '../../../shared/data/schema-compatibility.ts'
import { datasetSchema, type DatasetSchema } from '../../../shared/data/schema.ts'
import { startStatistics } from '../../../shared/data/statistics.ts'

const always = { minFraction: 1, minCount: 1 }
const base = datasetSchema.parse({
  label: 'kind',
  features: [
    { name: 'size', type: 'int', presence: { minFraction: 0.5, minCount: 1 }, domain: { kind: 'range', min: 0, max: 10 } },
    { name: 'kind', type: 'string', presence: always, domain: { kind: 'values', values: ['a', 'b'] }, environments: ['TRAINING'] },
    { name: 'tags', type: 'string', valueCount: { min: 1, max: 3 }, unique: { max: 50 } },
    { name: 'photo', type: 'image', domain: { kind: 'image', height: 8, width: 8, channels: 1 } },
  ],
})
type Features = DatasetSchema['features']
const changed = (name: string, change: Partial<Features[number]>): DatasetSchema => ({
  ...base,
  features: base.features.map((feature) => (feature.name === name ? { ...feature, ...change } : feature)),
})
const range = { kind: 'range', disallowNan: true, disallowInf: true } as const

test.each<[what: string, after: DatasetSchema]>([
  ['nothing', base],
  ['a wider range', changed('size', { domain: { ...range, min: -1 } })],
  ['no domain', changed('kind', { domain: undefined })],
  ['another value', changed('kind', { domain: { kind: 'values', values: ['c', 'b', 'a'], minMass: 0.9 } })],
  ['whole numbers become any', changed('size', { type: 'float' })],
  ['less presence', changed('size', { presence: undefined })],
  ['longer lists', changed('tags', { valueCount: { max: 9 } })],
  ['a stricter comparator', changed('kind', { drift: { infinityNorm: 0.01 } })],
  ['a feature that may be missing', { ...base, features: [...base.features, { name: 'more', type: 'float' }] }],
])('[DAT-63] compatible: %s', (_, after) => {
  expect(incompatibilities(base, after)).toEqual([])
})

test.each<[what: string, after: DatasetSchema, where: string, issue: RegExp]>([
  ['a feature that goes', { ...base, features: base.features.slice(1) }, 'size', /goes/],
  [
    'a feature that must be there',
    { ...base, features: [...base.features, { name: 'more', type: 'float', presence: always }] },
    'more',
    /is new/,
  ],
  ['another type', changed('size', { type: 'string' }), 'size', /int becomes string/],
  ['a narrower range', changed('size', { domain: { ...range, min: 0, max: 9 } }), 'size', /0 to 10 becomes 0 to 9/],
  ['a range without an end before', changed('photo', { domain: { ...range, min: 0 } }), 'photo', /another kind/],
  ['a value that goes', changed('kind', { domain: { kind: 'values', values: ['a'], minMass: 1 } }), 'kind', /values b are no longer/],
  ['more presence', changed('size', { presence: always }), 'size', /must be present in 1/],
  ['shorter lists', changed('tags', { valueCount: { min: 1, max: 2 } }), 'tags', /other lengths/],
  ['single values', changed('tags', { valueCount: undefined }), 'tags', /change places/],
  ['fewer distinct values', changed('tags', { unique: { max: 5 } }), 'tags', /distinct/],
  ['another environment', changed('kind', { environments: undefined }), 'kind', /expected in SERVING too/],
  [
    'images of another size',
    changed('photo', { domain: { kind: 'image', height: 9, width: 8, channels: 1 } }),
    'photo',
    /8x8x1 become 9x8x1/,
  ],
  ['another label', { ...base, label: 'size' }, 'label', /kind becomes size/],
  ['an environment that goes', { ...base, environments: ['TRAINING'] }, 'environments', /SERVING is no longer known/],
  ['more examples', { ...base, examples: { min: 100 } }, 'examples', /100/],
])('[DAT-63] not compatible: %s', (_, after, where, issue) => {
  expect(incompatibilities(base, after)).toEqual([{ where, what: expect.stringMatching(issue) as string }])
})

const value = fc.oneof(fc.integer({ min: -5, max: 5 }), fc.constantFrom('a', 'b', 'c'), fc.constant(null))
const rows = fc.array(fc.record({ x: value, y: value }), { minLength: 1, maxLength: 30 })
const statisticsOf = (given: readonly Record<string, Scalar>[]) => {
  const stream = startStatistics()
  stream.add(columnsOf(given))
  return stream.finish()
}

test('[DAT-63] rows that fit a schema fit every schema that is compatible with it; one that was widened is', () => {
  fc.assert(
    fc.property(rows, rows, (a, b) => {
      const [first, other] = [statisticsOf(a), statisticsOf(b)]
      const [before, after] = [inferSchema(first), inferSchema(other)]
      const errors = (schema: DatasetSchema) => validateStatistics(first, schema).anomalies.filter(({ severity }) => severity === 'error')
      // of values of several types no schema holds
      if (errors(before).length === 0 && incompatibilities(before, after).length === 0) expect(errors(after)).toEqual([])
    }),
  )
  const small = inferSchema(statisticsOf(Array.from({ length: 60 }, (_, i) => ({ x: i % 5, y: 'ab'[i % 2] ?? '' }))))
  const wide = mergeSchemas(small, inferSchema(statisticsOf(Array.from({ length: 60 }, (_, i) => ({ x: i / 2, y: 'abc'[i % 3] ?? '' })))))
  expect(incompatibilities(small, wide)).toEqual([])
})
