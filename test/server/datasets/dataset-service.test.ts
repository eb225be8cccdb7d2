import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { toBase64, utf8 } from '../../../shared/core/bytes.ts'
import type { Slug } from '../../../shared/core/ids.ts'
import type { ServerEvent } from '../../../server/events.ts'
import { literal, openDuck } from '../../../server/datasets/duckdb.ts'
import { inFolder } from '../../../server/datasets/span-files.ts'
import { createBench, type PipelineBench } from '../pipeline/pipeline-harness.ts'

const MODEL = 'shapes' as Slug
let bench: PipelineBench
const seen: ServerEvent[] = []

beforeAll(async () => {
  bench = await createBench({ form: { shape: [2, 2, 1], labels: ['a', 'b'] }, exampleLimits: { perDayAndSender: 20, waiting: 30 } })
  bench.events.subscribe((event) => void seen.push(event))
  await bench.registry.createModel({ name: MODEL, description: '' })
})
afterAll(() => bench.close())

const dataset = async (name: string): Promise<Slug> => (await bench.api('datasets.create', { body: { name: name as Slug } })).name
const example = (id: string, label = 'a', data = [1, 2, 3, 4]) => ({
  id: `example-${id}`,
  captured: 1000,
  label,
  shape: [2, 2, 1],
  data: toBase64(Uint8Array.from(data)),
})
const rowsOf = (digest: string, sql: string) =>
  inFolder(join(bench.folder, 'work'), async (folder) => {
    const path = bench.blobs.path(digest as never)
    const duck = await openDuck({ folder, files: [path] })
    try {
      return await duck.rows(sql.replace('FILE', `read_parquet(${literal(path)})`))
    } finally {
      duck.close()
    }
  })

describe('datasets', () => {
  test('[MET-1] keeps files of rows as numbered, immutable spans; CSV becomes Parquet', async () => {
    const name = await dataset('flowers')
    const csv = utf8('id,width,kind\n1,2.5,rose\n2,3.5,"tulip, red"\n')
    const first = await bench.api('spans.upload', { params: { dataset: name }, body: csv, type: 'text/csv' })
    expect(first).toMatchObject({ span: 1, rows: 2, source: expect.stringMatching(/^upload by pipelines/) })
    const parquet = await bench.blobs.read(first.digest)
    const second = await bench.api('spans.upload', { params: { dataset: name }, body: parquet, type: 'application/vnd.apache.parquet' })
    expect(second).toMatchObject({ span: 2, rows: 2, digest: first.digest })
    expect(await bench.api('datasets.get', { params: { dataset: name } })).toMatchObject({
      rows: 4,
      spans: [{ span: 1 }, { span: 2 }],
      schema: null,
    })
    expect(await rowsOf(first.digest, 'SELECT * FROM FILE ORDER BY id')).toEqual([
      { id: 1n, width: 2.5, kind: 'rose' },
      { id: 2n, width: 3.5, kind: 'tulip, red' },
    ])
    expect(seen.filter((event) => event.type === 'span.added').map((event) => event.data)).toMatchObject([
      { dataset: name, span: 1, rows: 2 },
      { dataset: name, span: 2 },
    ])
  })

  test.each([
    ['bytes that are no Parquet', utf8('PAR1 is not enough'), 'application/vnd.apache.parquet', 'invalid_input'],
    ['a CSV file without rows', utf8('id,width\n'), 'text/csv', 'invalid_input'],
    ['an empty file', utf8(''), 'text/csv', 'invalid_input'],
    ['a CSV file with a ragged row', utf8('id,width\n1,2\n2,3,4\n5,6\n'), 'text/csv', 'invalid_input'],
    ['a CSV file with NUL bytes', utf8('id,width\n1,\u0000\n'), 'text/csv', 'invalid_input'],
    ['JSON that is no row', utf8('[1, 2]'), 'application/json', 'invalid_input'],
    ['two columns that differ in case only', utf8('id,ID\n1,2\n'), 'text/csv', 'invalid_input'],
    ['another type', utf8('{}'), 'application/pdf', 'unsupported_media_type'],
  ])('[MET-2] refuses %s and adds nothing', async (what, body, type, code) => {
    const name = await dataset(`refuses-${what.replaceAll(/[^a-z]+/gi, '-').toLowerCase()}`)
    await expect(bench.api('spans.upload', { params: { dataset: name }, body, type })).rejects.toMatchObject({ code })
    expect((await bench.api('datasets.get', { params: { dataset: name } })).spans).toEqual([])
  })

  test('[MET-3] SQL reads the files that it is given and nothing else of the machine', async () => {
    await writeFile(join(bench.folder, 'secret.csv'), 'key\nsecret\n')
    await inFolder(join(bench.folder, 'work'), async (folder) => {
      const duck = await openDuck({ folder })
      for (const sql of [
        `SELECT * FROM read_csv(${literal(join(bench.folder, 'secret.csv'))})`,
        "SELECT * FROM read_text('/etc/hostname')",
        `ATTACH ${literal(join(bench.folder, 'x.db'))}`,
        'SET enable_external_access = true',
        'INSTALL httpfs',
      ]) {
        await expect(duck.rows(sql)).rejects.toMatchObject({ code: 'invalid_input' })
      }
      duck.close()
    })
  })

  test('[MET-4] takes shared examples once each, whoever repeats them, and freezes them into a span when collected', async () => {
    const name = await dataset('shared')
    const device =
      (await bench.access.createApp({ app: 'demo' as Slug, models: [MODEL] }), await bench.access.registerDevice('demo' as Slug))
    expect(device.device).toMatch(/^dev_/)
    const share = (examples: ReturnType<typeof example>[]) => bench.datasets.share(MODEL, device.device, examples)
    expect(await share([example('1'), example('2', 'b')])).toEqual({ accepted: 2, duplicates: 0 })
    expect(await share([example('2', 'b'), example('3')])).toEqual({ accepted: 1, duplicates: 1 })
    expect(await bench.datasets.arrivals(name, MODEL, 0)).toMatchObject({ newExamples: 3, allExamples: 3 })
    const { span } = await bench.api('spans.collect', { params: { dataset: name }, body: { model: MODEL } })
    expect(span).toMatchObject({ span: 1, rows: 3, source: 'shared' })
    expect(
      await rowsOf(span?.digest ?? '', 'SELECT id, split, source, label, hex(pixels) AS pixels, captured::INTEGER AS captured FROM FILE'),
    ).toEqual([
      { id: 'example-1', split: null, source: 'shared', label: 'a', pixels: '01020304', captured: 1000 },
      { id: 'example-2', split: null, source: 'shared', label: 'b', pixels: '01020304', captured: 1000 },
      { id: 'example-3', split: null, source: 'shared', label: 'a', pixels: '01020304', captured: 1000 },
    ])
    expect(await bench.api('spans.collect', { params: { dataset: name }, body: { model: MODEL } })).toEqual({ span: null })
    expect(await share([example('1')])).toEqual({ accepted: 0, duplicates: 1 })
    expect(await bench.datasets.arrivals(name, MODEL, 0)).toEqual({ newExamples: 0, allExamples: 3, newSpans: 0, newestSpan: 0 })
  })

  test('[MET-5] two collections at once take each example once', async () => {
    const name = await dataset('twice')
    await bench.datasets.share(MODEL, 'dev_x', [example('twice-1'), example('twice-2')])
    const spans = await Promise.all([bench.datasets.collect(name, MODEL), bench.datasets.collect(name, MODEL)])
    expect(spans.map((span) => span?.rows ?? null)).toEqual([2, null])
  })

  test('[MET-6] refuses examples of another shape or label, too many from one sender, and more than it keeps waiting', async () => {
    const share = (sender: string, examples: ReturnType<typeof example>[]) => bench.datasets.share(MODEL, sender, examples)
    await expect(share('s1', [example('s1', 'c')])).rejects.toMatchObject({
      code: 'shape_mismatch',
      issues: [{ where: 'examples.0.label' }],
    })
    await expect(share('s1', [{ ...example('s2'), shape: [3, 3, 1] }])).rejects.toMatchObject({ code: 'shape_mismatch' })
    await expect(share('s1', [{ ...example('s3'), data: 'not base64!' }])).rejects.toMatchObject({ code: 'shape_mismatch' })
    const many = (sender: string, n: number) => Array.from({ length: n }, (_, i) => example(`${sender}-${i}`))
    await expect(share('s4', many('s4', 21))).rejects.toMatchObject({ code: 'rate_limited' })
    await share('s5', many('s5', 20))
    await expect(share('s6', many('s6', 15))).rejects.toMatchObject({ code: 'storage_full' })
    await bench.datasets.collect(await dataset('relief'), MODEL)
    await expect(share('s6', many('s6', 15))).resolves.toEqual({ accepted: 15, duplicates: 0 })
  })

  test('[MET-7] keeps the schema that somebody accepted', async () => {
    const name = await dataset('with-schema')
    const schema = { environments: ['TRAINING', 'SERVING'], features: [{ name: 'width', type: 'float' as const }] }
    expect((await bench.api('datasets.setSchema', { params: { dataset: name }, body: schema })).schema).toMatchObject(schema)
    await expect(bench.api('datasets.setSchema', { params: { dataset: 'none' as Slug }, body: schema })).rejects.toMatchObject({
      code: 'unknown_dataset',
    })
    await expect(bench.api('datasets.create', { body: { name } })).rejects.toMatchObject({ code: 'already_exists' })
  })
})
