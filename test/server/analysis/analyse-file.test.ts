import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { analyseFile } from '../../../server/analysis/analyse-file.ts'
import { openDuck } from '../../../server/datasets/duckdb.ts'
import { examplesToParquet } from '../../../server/datasets/span-files.ts'
import { validateStatistics } from '../../../shared/data/anomalies.ts'
import type { DatasetSchema } from '../../../shared/data/schema.ts'
import { createFiles } from './files.ts'

const files = createFiles()
afterAll(files.remove)

const CSV = `age,city,when,note\n${Array.from({ length: 60 }, (_, at) => `${20 + at},${at % 3 === 0 ? 'Bern' : 'Basel'},2024-01-${String((at % 28) + 1).padStart(2, '0')},${at === 7 ? '' : 'x'}`).join('\n')}\n`

test('[DAT-13] a CSV file gives statistics, a schema that it fits, and suggestions', async () => {
  const progress: number[] = []
  const { statistics, schema, suggestions, anomalies } = await files.analyse('people.csv', CSV, {
    label: 'city',
    onProgress: ({ rows }) => progress.push(rows),
  })
  expect(statistics.examples).toBe(60)
  expect(statistics.features.map(({ name, type, missing }) => [name, type, missing])).toEqual([
    ['age', 'int', 0],
    ['city', 'string', 0],
    ['when', 'time', 0],
    ['note', 'string', 1],
  ])
  expect(statistics.features[0]?.numeric).toMatchObject({ n: 60, min: 20, max: 79, mean: 49.5 })
  expect(schema).toMatchObject({
    label: 'city',
    features: [{ name: 'age', type: 'int' }, { domain: { values: ['Basel', 'Bern'] } }, {}, {}],
  })
  expect(suggestions.map(({ feature, kind }) => `${feature} ${kind}`)).toEqual(['age scale', 'note missing', 'note constant'])
  expect(anomalies).toBeNull()
  expect(progress.at(-1)).toBe(60)
  expect(validateStatistics(statistics, schema).anomalies).toEqual([])
})

test.each([
  ['rows.json', '[{"a":1,"b":"x"},{"a":2.5,"b":null}]'],
  ['rows.jsonl', '{"a":1,"b":"x"}\n{"a":2.5}\n'],
  ['marked.csv', '\ufeffa,b\r\n1,x\r\n2.5,\r\n'],
  ['semicolon.csv', 'a;b\n1;x\n2.5;\n'],
  ['tabs.tsv', 'a\tb\n1\tx\n\n2.5\t\n'],
])('[DAT-13] %s gives the same rows', async (name, content) => {
  const { statistics } = await files.analyse(name, content)
  expect(statistics.examples).toBe(2)
  expect(statistics.features).toMatchObject([
    { name: 'a', type: 'float', numeric: { min: 1, max: 2.5 } },
    { name: 'b', type: 'string', missing: 1, categorical: { top: [{ value: 'x', count: 1 }] } },
  ])
})

test('[DAT-13] a Parquet file keeps its types; bytes that are square images are monitored as such', async () => {
  const path = join(files.folder, 'digits.parquet')
  const data = (ink: number) => Buffer.alloc(784, ink).toString('base64')
  const rows = Array.from({ length: 20 }, (_, at) => ({ id: `row-${at}`, label: String(at % 2), captured: at, data: data(at * 10) }))
  await examplesToParquet(rows, 'test', path, files.folder)
  const { statistics, format } = await analyseFile(path, 'parquet')
  expect(format).toBe('parquet')
  expect(statistics.features.find(({ name }) => name === 'pixels')).toMatchObject({
    type: 'image',
    image: { shapes: [{ height: 28, width: 28, channels: 1, count: 20 }] },
  })
})

test('[DAT-13] lists, structures, decimals and times of every kind are read', async () => {
  const path = join(files.folder, 'kinds.parquet')
  const duck = await openDuck({ folder: files.folder })
  await duck.run(
    `COPY (SELECT [i, i + 1] AS list, {'x': i} AS struct, (i / 4)::DECIMAL(9, 2) AS price, i::HUGEINT AS huge, make_time(1, 2, i) AS clock, to_days(i::INT) AS length,
      '2024-01-01'::TIMESTAMPTZ AS zoned, 'infinity'::TIMESTAMP AS never, 'NaN'::DOUBLE AS nothing, uuid() AS id, 'ab'::BLOB AS bytes FROM range(3) t(i)) TO '${path}' (FORMAT parquet)`,
  )
  duck.close()
  const { statistics, schema } = await analyseFile(path, 'parquet')
  expect(Object.fromEntries(statistics.features.map(({ name, type }) => [name, type]))).toMatchObject({
    list: 'int',
    struct: 'string',
    clock: 'string',
    zoned: 'time',
    nothing: 'float',
    bytes: 'bytes',
  })
  expect(statistics.features.find(({ name }) => name === 'price')?.numeric?.max).toBe(0.5)
  // a moment that never comes is missing, and a column without a value is not in a schema yet
  expect(statistics.features.find(({ name }) => name === 'never')).toMatchObject({ type: null, missing: 3 })
  expect(schema.features.map(({ name }) => name)).not.toContain('never')
  expect(validateStatistics(statistics, schema).anomalies).toEqual([])
})

test('[DAT-13] columns read in parts are what they are alone, also against the label', async () => {
  const columns = Array.from({ length: 600 }, (_, at) => at)
  const rows = Array.from({ length: 40 }, (_, row) => [row % 2, ...columns.map((at) => (row * (at + 3)) % 17)].join(','))
  const wide = await files.analyse('parts.csv', `y,${columns.map((at) => `c${at}`).join(',')}\n${rows.join('\n')}\n`, { label: 'y' })
  expect(wide.statistics.features.map(({ name }) => name)).toEqual(['y', ...columns.map((at) => `c${at}`)])
  const narrow = rows.map((row) => row.split(',')).map((row) => [row[0], row[600]].join(','))
  const alone = await files.analyse('alone.csv', `y,c599\n${narrow.join('\n')}\n`, { label: 'y' })
  expect(wide.statistics.features.at(-1)).toEqual(alone.statistics.features.at(-1))
})

test('[DAT-13] names that objects have of themselves are names like others', async () => {
  const { statistics } = await files.analyse('proto.csv', '__proto__,constructor,A,a\n1,2,3,4\n5,6,7,8\n')
  expect(statistics.features.map(({ name, numeric }) => [name, numeric?.max])).toEqual([
    ['__proto__', 5],
    ['constructor', 6],
    ['A', 7],
    ['a', 8],
  ])
})

test('[DAT-13] every text that can be quoted comes back from a CSV file', async () => {
  const text = fc
    .string({ minLength: 1, maxLength: 8, unit: fc.constantFrom('a', 'b', ' ', ',', ';', '"', '\n', '\t', '|', 'é', '\u{1f600}', '0') })
    .filter((each) => each.trim() !== '')
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(text, { minLength: 2, maxLength: 6 }), async (values) => {
      const content = values.map((value) => `"${value.replaceAll('"', '""')}",k`).join('\n')
      const { statistics } = await files.analyse('any.csv', `text,k\n"not a number",k\n${content}\n`)
      expect(statistics.examples).toBe(values.length + 1)
      const seen = statistics.features[0]?.categorical?.top.map(({ value }) => value)
      expect(seen?.sort()).toEqual([...new Set(['not a number', ...values])].sort())
    }),
    { numRuns: 40 },
  )
})

const schemaOf = (type: 'int' | 'string'): DatasetSchema => ({
  environments: ['TRAINING'],
  features: [{ name: 'a', type }],
})

test.each([
  ['mixed.csv', 'a\n1\n2\nfoo\n4\n'],
  ['mixed.json', '[{"a":1},{"a":2},{"a":"foo"},{"a":4}]'],
])('[DAT-15] %s: the first row that differs is named; the column is text unless the schema wants numbers', async (name, content) => {
  const free = await files.analyse(name, content)
  expect(free.mixed).toMatchObject([{ feature: 'a', row: 3, value: 'foo', advice: expect.stringContaining('correct it') as string }])
  expect(free.statistics.features[0]).toMatchObject({ type: 'string', types: { string: 4 } })
  expect(validateStatistics(free.statistics, free.schema).anomalies).toEqual([])
  const held = await files.analyse(name, content, { schema: schemaOf('int') })
  expect(held.anomalies).toMatchObject([
    { name: 'UNEXPECTED_DATA_TYPE', description: expect.stringContaining('1 of type string') as string },
  ])
  expect((await files.analyse(name, content, { schema: schemaOf('string') })).anomalies).toEqual([])
})

test('[DAT-20] a file with an empty column fits the schema inferred from it, and no longer when values arrive there', async () => {
  const empty = await files.analyse('empty-column.csv', 'a,b\n1,\n2,\n')
  expect(empty.schema.features.map(({ name }) => name)).toEqual(['a'])
  expect((await files.analyse('again.csv', 'a,b\n1,\n2,\n', { schema: empty.schema })).anomalies).toEqual([])
  const filled = await files.analyse('filled.csv', 'a,b\n1,\n2,x\n', { schema: empty.schema })
  expect(filled.anomalies).toMatchObject([{ feature: 'b', name: 'SCHEMA_NEW_COLUMN' }])
})

test('[DAT-15] codes with leading zeros are text, not a mixture', async () => {
  expect((await files.analyse('codes.csv', 'a\n007\n012\nB03\n')).mixed).toEqual([])
})
