import { describe, expect, test } from 'vitest'
import { hasErrors, validateStatistics, type ValidationOptions } from '../../../shared/data/anomalies.ts'
import { anomalySchema } from '../../../shared/data/anomaly.ts'
import { type Batch, type Scalar, columnsOf } from '../../../shared/data/columns.ts'
import { datasetSchema, type DatasetSchema } from '../../../shared/data/schema.ts'
import { statisticsOfBatch } from '../../../shared/data/statistics.ts'
import { digitColumn } from './mnist.ts'

const required = { minFraction: 1, minCount: 1 }
const schemaOf = (...features: readonly object[]): DatasetSchema => datasetSchema.parse({ features })

function found(batch: Batch, schema: DatasetSchema, options: ValidationOptions = {}) {
  const report = validateStatistics(statisticsOfBatch(batch), schema, options)
  for (const anomaly of report.anomalies) expect(anomalySchema.parse(anomaly)).toEqual(anomaly)
  return report.anomalies.map(({ feature, name }) => `${feature ?? 'data set'} ${name}`)
}

const x = (values: readonly Scalar[]): Batch => ({ x: values })

describe('[DAT-4] anomalies have the names of TFDV', () => {
  test.each<[string, Batch, object, string[]]>([
    ['a column that the schema does not have', columnsOf([{ x: 1, y: 2 }]), { name: 'x', type: 'int' }, ['y SCHEMA_NEW_COLUMN']],
    ['a required column that is gone', {}, { name: 'x', type: 'int', presence: required }, ['x SCHEMA_MISSING_COLUMN']],
    ['an optional column that is gone', {}, { name: 'x', type: 'int' }, []],
    ['a required column that is empty', x([null, null]), { name: 'x', type: 'int', presence: required }, ['x FEATURE_TYPE_NOT_PRESENT']],
    [
      'too many missing values',
      x([1, null, 3]),
      { name: 'x', type: 'int', presence: { minFraction: 0.7, minCount: 1 } },
      ['x FEATURE_TYPE_LOW_FRACTION_PRESENT'],
    ],
    ['just enough values', x([1, null]), { name: 'x', type: 'int', presence: { minFraction: 0.5, minCount: 1 } }, []],
    [
      'too few values',
      x([1, 2]),
      { name: 'x', type: 'int', presence: { minFraction: 0, minCount: 3 } },
      ['x FEATURE_TYPE_LOW_NUMBER_PRESENT'],
    ],
    ['text where numbers belong', x([1, 'two']), { name: 'x', type: 'float' }, ['x UNEXPECTED_DATA_TYPE']],
    ['a fraction where whole numbers belong', x([1, 2.5]), { name: 'x', type: 'int' }, ['x UNEXPECTED_DATA_TYPE']],
    ['whole numbers where fractions may be', x([1, 2]), { name: 'x', type: 'float' }, []],
    [
      'a value outside the domain',
      x(['a', 'z']),
      { name: 'x', type: 'string', domain: { kind: 'values', values: ['a', 'b'] } },
      ['x ENUM_TYPE_UNEXPECTED_STRING_VALUES'],
    ],
    [
      'a label outside the domain',
      x([1, 11]),
      { name: 'x', type: 'int', domain: { kind: 'values', values: ['1', '2'] } },
      ['x ENUM_TYPE_UNEXPECTED_STRING_VALUES'],
    ],
    [
      'as many strange values as are allowed',
      x(['a', 'b', 'c', 'z']),
      { name: 'x', type: 'string', domain: { kind: 'values', values: ['a', 'b', 'c'], minMass: 0.75 } },
      [],
    ],
    [
      'a whole number too large and one too small',
      x([-1, 11]),
      { name: 'x', type: 'int', domain: { kind: 'range', min: 0, max: 10 } },
      ['x INT_TYPE_BIG_INT', 'x INT_TYPE_SMALL_INT'],
    ],
    ['numbers at the bounds', x([0, 10]), { name: 'x', type: 'int', domain: { kind: 'range', min: 0, max: 10 } }, []],
    [
      'a number too large and one too small',
      x([-0.5, 1.5]),
      { name: 'x', type: 'float', domain: { kind: 'range', min: 0, max: 1 } },
      ['x FLOAT_TYPE_BIG_FLOAT', 'x FLOAT_TYPE_SMALL_FLOAT'],
    ],
    [
      'NaN and infinity',
      x([0.5, Number.NaN, -Infinity]),
      { name: 'x', type: 'float', domain: { kind: 'range' } },
      ['x FLOAT_TYPE_HAS_NAN', 'x FLOAT_TYPE_HAS_INF'],
    ],
    ['NaN that is allowed', x([0.5, Number.NaN]), { name: 'x', type: 'float', domain: { kind: 'range', disallowNan: false } }, []],
    [
      'images of another size',
      { x: digitColumn(0, 3) },
      { name: 'x', type: 'image', domain: { kind: 'image', height: 32, width: 32, channels: 1 } },
      ['x INVALID_FEATURE_SHAPE'],
    ],
    [
      'a domain that the type cannot have',
      x([new Uint8Array(2)]),
      { name: 'x', type: 'bytes', domain: { kind: 'range', min: 0 } },
      ['x DOMAIN_INVALID_FOR_TYPE'],
    ],
  ])('[DAT-4] %s', (_, batch, feature, expected) => {
    expect(found(batch, schemaOf(feature))).toEqual(expected)
  })

  test('[DAT-4] the number of examples has bounds', () => {
    const schema = (examples: object) => datasetSchema.parse({ features: [{ name: 'x', type: 'int' }], examples })
    expect(found(x([1, 2]), schema({ min: 3 }))).toEqual(['data set DATASET_LOW_NUM_EXAMPLES'])
    expect(found(x([1, 2]), schema({ max: 1 }))).toEqual(['data set DATASET_HIGH_NUM_EXAMPLES'])
    expect(found(x([1, 2]), schema({ min: 2, max: 2 }))).toEqual([])
  })

  test('[DAT-20] a column without a value is no new one; with a single value it is', () => {
    const schema = schemaOf({ name: 'x', type: 'int' })
    expect(found({ x: [1, 2], y: [null, undefined] }, schema)).toEqual([])
    expect(found({ x: [1, 2], y: [null, 'here'] }, schema)).toEqual(['y SCHEMA_NEW_COLUMN'])
  })

  test.each<[string, readonly Scalar[], object, string[]]>([
    ['as many as allowed', ['a', 'b', 'b'], { min: 2, max: 2 }, []],
    ['too few', ['a', 'a'], { min: 2 }, ['x FEATURE_TYPE_LOW_UNIQUE']],
    ['too many', ['a', 'b', 'c'], { max: 2 }, ['x FEATURE_TYPE_HIGH_UNIQUE']],
    ['of fractions, which are not counted', [0.5, 1.5], { max: 2 }, ['x FEATURE_TYPE_NO_UNIQUE']],
  ])('[DAT-22] distinct values: %s', (_, values, unique, expected) => {
    const type = typeof values[0] === 'number' ? 'float' : 'string'
    expect(found(x(values), schemaOf({ name: 'x', type, unique }))).toEqual(expected)
  })

  test('[DAT-23] the number of examples is held against the span before; bounds are themselves allowed', () => {
    const schema = datasetSchema.parse({ features: [{ name: 'x', type: 'int' }], examples: { drift: { minRatio: 0.5, maxRatio: 2 } } })
    const rows = (n: number) => x(Array.from({ length: n }, (_, i) => i))
    const beside = (n: number) => found(rows(n), schema, { previous: statisticsOfBatch(rows(10)) })
    expect([beside(4), beside(5), beside(20), beside(21), found(rows(1), schema)]).toEqual([
      ['data set COMPARATOR_LOW_NUM_EXAMPLES'],
      [],
      [],
      ['data set COMPARATOR_HIGH_NUM_EXAMPLES'],
      [],
    ])
  })

  test.each<[string, readonly Scalar[], object, string[]]>([
    ['numbers', ['1', '2.5', '-1e3'], {}, []],
    ['something else', ['1', 'n/a'], {}, ['x FLOAT_TYPE_STRING_NOT_FLOAT']],
    ['a fraction where whole numbers belong', ['1', '2.5'], { whole: true }, ['x INT_TYPE_NOT_INT_STRING']],
    ['numbers out of bounds', ['0.5', '9.5'], { min: 1, max: 9 }, ['x FLOAT_TYPE_BIG_FLOAT', 'x FLOAT_TYPE_SMALL_FLOAT']],
    ['whole numbers out of bounds', ['0', '10'], { whole: true, min: 1, max: 9 }, ['x INT_TYPE_BIG_INT', 'x INT_TYPE_SMALL_INT']],
  ])('[DAT-24] text that has to write numbers: %s', (_, values, range, expected) => {
    expect(found(x(values), schemaOf({ name: 'x', type: 'string', domain: { kind: 'range', ...range } }))).toEqual(expected)
  })

  test('[DAT-3] bounds the wrong way round are refused', () => {
    for (const wrong of [{ domain: { kind: 'range', min: 2, max: 1 } }, { unique: { min: 2, max: 1 } }, { valueCount: { min: 3, max: 0 } }])
      expect(() => schemaOf({ name: 'x', type: 'int', ...wrong })).toThrow('above the maximum')
  })

  test('[DAT-5] a label is missed in training and not in serving', () => {
    const schema = schemaOf(
      { name: 'x', type: 'int', presence: required },
      { name: 'label', type: 'int', presence: required, environments: ['TRAINING'] },
    )
    expect(found(x([1]), schema, { environment: 'SERVING' })).toEqual([])
    expect(found(x([1]), schema, { environment: 'TRAINING' })).toEqual(['label SCHEMA_MISSING_COLUMN'])
    expect(found(x([1]), schema)).toEqual(['label SCHEMA_MISSING_COLUMN'])
  })

  test('[DAT-6] the description says what was expected and what was found', () => {
    const schema = schemaOf({ name: 'colour', type: 'string', domain: { kind: 'values', values: ['red'] } })
    const { anomalies } = validateStatistics(statisticsOfBatch({ colour: ['red', 'red', 'pink', 'teal'] }), schema)
    expect(anomalies[0]?.description).toBe('colour has values outside its domain in 50 % of the rows: "pink" (1), "teal" (1)')
  })
})

describe('[DAT-7] comparators', () => {
  const repeat = (n: number, value: Scalar) => new Array<Scalar>(n).fill(value)
  const control = statisticsOfBatch(x([...repeat(10, 'hello'), ...repeat(90, 'world')]))
  const current = x([...repeat(30, 'hello'), ...repeat(70, 'world')])

  test('[DAT-7] a distance above its threshold fails, an equal one passes, and every measured value is reported', () => {
    const schema = (threshold: number) => schemaOf({ name: 'x', type: 'string', drift: { infinityNorm: threshold } })
    expect(found(current, schema(0.19), { previous: control })).toEqual(['x COMPARATOR_L_INFTY_HIGH'])
    const passed = validateStatistics(statisticsOfBatch(current), schema(0.2 + 1e-12), { previous: control })
    expect(passed.anomalies).toEqual([])
    expect(passed.comparisons).toMatchObject([{ feature: 'x', against: 'drift', distance: 'infinityNorm', threshold: 0.2 + 1e-12 }])
    expect(passed.comparisons[0]?.value).toBeCloseTo(0.2, 12)
    const nothing = schemaOf({ name: 'x', type: 'string', drift: { infinityNorm: 0 } })
    expect(found(current, nothing, { previous: statisticsOfBatch(current) })).toEqual([])
    expect(found(current, schema(0))).toEqual([])
  })

  test('[DAT-7] skew compares with the serving side; numbers by their histograms', () => {
    const numbers = (from: number) => x(Array.from({ length: 1000 }, (_, i) => from + i / 1000))
    const schema = schemaOf({ name: 'x', type: 'float', skew: { jensenShannonDivergence: 0.3 } })
    expect(found(numbers(0), schema, { serving: statisticsOfBatch(numbers(0.1)) })).toEqual([])
    expect(found(numbers(0), schema, { serving: statisticsOfBatch(numbers(0.6)) })).toEqual(['x COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH'])
    expect(found(numbers(0), schema, { previous: statisticsOfBatch(numbers(5)) })).toEqual([])
  })

  test('[DAT-7] a change of volume is seen by the normalised absolute difference only', () => {
    const ten = x([...repeat(1, 'hello'), ...repeat(5, 'world')])
    const schema = schemaOf({
      name: 'x',
      type: 'string',
      drift: { normalizedAbsoluteDifference: 0.5, infinityNorm: 0.01, jensenShannonDivergence: 0.01 },
    })
    const previous = statisticsOfBatch(x([...repeat(10, 'hello'), ...repeat(50, 'world')]))
    expect(found(ten, schema, { previous })).toEqual(['x COMPARATOR_NORMALIZED_ABSOLUTE_DIFFERENCE_HIGH'])
  })

  test('[DAT-7] without a control there is a warning, which stops nothing', () => {
    const schema = schemaOf({ name: 'x', type: 'string', drift: { infinityNorm: 0.1 } })
    const report = validateStatistics(statisticsOfBatch(current), schema, { previous: statisticsOfBatch({ y: [1] }) })
    expect(report.anomalies).toMatchObject([{ name: 'COMPARATOR_CONTROL_DATA_MISSING', severity: 'warning' }])
    expect(hasErrors(report)).toBe(false)
    expect(hasErrors(validateStatistics(statisticsOfBatch(x([1])), schema))).toBe(true)
  })
})
