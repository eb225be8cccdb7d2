import { afterAll, beforeAll, expect, test } from 'vitest'
import { utf8 } from '../../../shared/core/bytes.ts'
import type { Slug } from '../../../shared/core/ids.ts'
import { validateStatistics } from '../../../shared/data/anomalies.ts'
import { datasetSchema } from '../../../shared/data/schema.ts'
import { spanStatistics } from '../../../server/datasets/span-statistics.ts'
import { createBench, type PipelineBench } from '../pipeline/pipeline-harness.ts'

let bench: PipelineBench
beforeAll(async () => {
  bench = await createBench()
})
afterAll(() => bench.close())

const make = async (name: string): Promise<{ dataset: Slug }> => ({
  dataset: (await bench.api('datasets.create', { body: { name: name as Slug } })).name,
})
const upload = (params: { dataset: Slug }, csv: string) => bench.api('spans.upload', { params, body: utf8(csv), type: 'text/csv' })
const schema = (type: string, more: object = {}) => datasetSchema.parse({ features: [{ name: 'width', type, ...more }] })
const body = (reason: string) => ({ body: { reason } })
const of = (params: { dataset: Slug }, version: number) => ({ params: { ...params, version: String(version) } })

test('[DAT-28] a proposal changes nothing; accepting it does, with who, when and why; the one before is superseded', async () => {
  const params = await make('flowers')
  const first = await bench.api('schemas.propose', { params, body: { schema: schema('int'), reason: 'a first try' } })
  expect(first).toMatchObject({
    version: 1,
    state: 'proposed',
    decided: null,
    changes: [{ feature: 'width', part: null, change: 'added' }],
    proposed: { by: expect.stringMatching(/^pipelines/), reason: 'a first try' },
  })
  expect((await bench.api('datasets.get', { params })).schema).toBeNull()
  const accepted = await bench.api('schemas.accept', { ...of(params, 1), ...body('looks right') })
  expect(accepted).toMatchObject({ state: 'accepted', decided: { by: expect.stringMatching(/^pipelines/), reason: 'looks right' } })
  expect((await bench.api('datasets.get', { params })).schema).toMatchObject({ features: [{ type: 'int' }] })

  await bench.api('schemas.propose', { params, body: { schema: schema('float'), reason: 'halves have come' } })
  await bench.api('schemas.propose', { params, body: { schema: schema('string'), reason: 'anything goes' } })
  await bench.api('schemas.reject', { ...of(params, 3), ...body('it does not') })
  await bench.api('schemas.accept', { ...of(params, 2), ...body('they may') })
  const { items } = await bench.api('schemas.list', { params })
  expect(items.map(({ version, state }) => [version, state])).toEqual([
    [3, 'rejected'],
    [2, 'accepted'],
    [1, 'superseded'],
  ])
  expect(items[1]?.changes).toEqual([{ feature: 'width', part: 'type', change: 'changed', before: 'int', after: 'float' }])
  expect((await bench.api('datasets.get', { params })).schema).toMatchObject({ features: [{ type: 'float' }] })
})

test('[DAT-28] what is decided is decided, also when two decide at once; an unknown version is a coded failure', async () => {
  const params = await make('decided')
  await bench.api('schemas.propose', { params, body: { schema: schema('int'), reason: 'try' } })
  const decisions = await Promise.allSettled([
    bench.api('schemas.accept', { ...of(params, 1), ...body('yes') }),
    bench.api('schemas.reject', { ...of(params, 1), ...body('no') }),
  ])
  expect(decisions.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  await expect(bench.api('schemas.accept', { ...of(params, 1), ...body('again') })).rejects.toMatchObject({ code: 'conflict' })
  await expect(bench.api('schemas.accept', { ...of(params, 7), ...body('what') })).rejects.toMatchObject({ code: 'not_found' })
  await expect(bench.api('schemas.list', { params: { dataset: 'none' as Slug } })).rejects.toMatchObject({ code: 'unknown_dataset' })
  await expect(bench.api('schemas.infer', { params, ...body('no rows') })).rejects.toMatchObject({ code: 'not_found' })
})

test('[DAT-28] what is set without a proposal, or with the dataset, is a version too', async () => {
  const { name } = await bench.api('datasets.create', { body: { name: 'direct' as Slug, schema: schema('int') } })
  await bench.api('datasets.setSchema', { params: { dataset: name }, body: schema('float') })
  const { items } = await bench.api('schemas.list', { params: { dataset: name } })
  expect(items.map(({ version, state }) => [version, state])).toEqual([
    [2, 'accepted'],
    [1, 'superseded'],
  ])
})

test('[DAT-29] inferring widens what was accepted as far as new rows demand, and keeps what people said', async () => {
  const params = await make('widened')
  const rows = (colours: readonly string[]) =>
    `id,colour,size\n${Array.from({ length: 40 }, (_, i) => `${i},${colours[i % colours.length]},${i / 4}`).join('\n')}\n`
  const first = await upload(params, rows(['red', 'green']))
  const inferred = await bench.api('schemas.infer', { params, body: { reason: 'the first rows', label: 'colour' } })
  expect(inferred.schema).toMatchObject({
    label: 'colour',
    features: [{ name: 'id' }, { domain: { values: ['green', 'red'] } }, { type: 'float' }],
  })
  const drift = { jensenShannonDivergence: 0.2 }
  const edited = {
    ...inferred.schema,
    features: inferred.schema.features.map((feature) =>
      feature.name === 'size'
        ? { ...feature, drift, domain: { kind: 'range' as const, min: 0, max: 100, disallowNan: true, disallowInf: true } }
        : feature,
    ),
  }
  await bench.api('datasets.setSchema', { params, body: edited })
  const second = await upload(params, rows(['red', 'blue']).replaceAll('\n3,red', '\n,red').replace('size', 'size').replace('id,', 'id,'))
  const statistics = spanStatistics({ blobs: bench.blobs, folder: bench.folder })
  const fits = async (span: typeof first, held: typeof edited) =>
    validateStatistics(await statistics(span), held, { environment: 'TRAINING' }).anomalies.map(({ name }) => name)
  expect(await fits(first, edited)).toEqual([])
  expect(await fits(second, edited)).toContain('ENUM_TYPE_UNEXPECTED_STRING_VALUES')
  const wider = await bench.api('schemas.infer', { params, body: { reason: 'blue ones have come' } })
  expect(await fits(second, wider.schema as typeof edited)).toEqual([])
  expect(await fits(first, wider.schema as typeof edited)).toEqual([])
  expect(wider.schema.features).toMatchObject([
    { name: 'id' },
    { domain: { values: ['blue', 'green', 'red'] } },
    { drift, domain: { min: 0, max: 100 } },
  ])
  expect(wider.changes.map(({ feature, part }) => `${feature} ${part}`)).toContain('colour domain')
})
