import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { examplesToParquet } from '../../../server/datasets/span-files.ts'
import { batchPredict } from '../../../server/pipelines/batch-predict.ts'
import type { RunDetail } from '../../../shared/contract/pipelines.ts'
import { must } from '../../../shared/core/assert.ts'
import { toBase64, utf8 } from '../../../shared/core/bytes.ts'
import type { Slug } from '../../../shared/core/ids.ts'
import type { JsonObject } from '../../../shared/core/json.ts'
import { createInferenceService } from '../../../shared/worker/inference-service.ts'
import { fetchVersion } from '../../../server/pipeline/data/live-version.ts'
import { wasmPath } from '../../shared/compute/node-backend.ts'
import { digit, digitLabels } from '../../shared/data/mnist.ts'
import { digitModel, digitWeights } from '../../simulator/digit-model.ts'
import { publishVersion, registerVersion } from '../../simulator/publish.ts'
import { rowModel, tulip } from '../serving/row-model.ts'
import { parquetRows } from './parquet-rows.ts'
import { createBench, type PipelineBench } from './pipeline-harness.ts'

const DIGITS = 'digits' as Slug
/** More than DuckDB hands over at a time (2048), and no multiple of a batch. */
const ROWS = 2500

/** The fixture's image is named `image`: what the transform of the manifest takes. */
const query = 'SELECT id, pixels AS image FROM data ORDER BY id'

let bench: PipelineBench
let first: RunDetail
/** Of the first run's progress. */
const notes: unknown[] = []

const run = async (params: JsonObject): Promise<RunDetail> => {
  const { id } = await bench.pipelines.startRun('batch-predict', { params, reason: 'test', by: 'tests' })
  await bench.pipelines.idle()
  return bench.pipelines.run(id)
}
const artifactOf = (detail: RunDetail) => must(detail.steps.find(({ name }) => name === 'predict')?.outputs['predictions'], 'the answers')

type Row = { id: string; label: string; confidence: number; probabilities: readonly number[]; version: number }

const rowsOf = (detail: RunDetail): Promise<Row[]> => parquetRows<Row>(bench.api, artifactOf(detail).id)

beforeAll(async () => {
  bench = await createBench({ pipelines: [batchPredict] })
  await publishVersion(bench.api, 'digits', await digitModel())
  await registerVersion(bench.api, 'digits', await digitModel({ weights: digitWeights({ permute: 1 }) }))
  await registerVersion(bench.api, 'digits', await digitModel({ weights: digitWeights({ jitter: 1 }) }))
  await bench.api('versions.revoke', { params: { model: DIGITS, version: '3' }, body: { reason: 'wrong labels' } })
  const ofRows = await rowModel()
  await publishVersion(bench.api, 'plants', ofRows)
  await publishVersion(bench.api, 'pairs', { ...ofRows, draft: { ...ofRows.draft, labels: [], references: {} } })
  for (const dataset of ['digits', 'garden'] as Slug[]) await bench.api('datasets.create', { body: { name: dataset } })
  const path = join(bench.folder, 'digits.parquet')
  await mkdir(join(bench.folder, 'work'), { recursive: true })
  const rows = Array.from({ length: ROWS }, (_, i) => ({
    id: String(i),
    label: String(digitLabels[i]),
    captured: i,
    data: toBase64(digit(i)),
  }))
  await examplesToParquet(rows, 'test', path, bench.folder)
  const upload = (dataset: string, body: Uint8Array<ArrayBuffer>, type: string) =>
    bench.api('spans.upload', { params: { dataset: dataset as Slug }, body, type })
  await upload('digits', new Uint8Array(await readFile(path)), 'application/vnd.apache.parquet')
  await upload('garden', utf8('id,width,colour\na,2,red\nb,5.5,blue\n,,red\n'), 'text/csv')
  const stop = bench.events.subscribe(({ type, data }) => {
    if (type === 'run.progress') notes.push((data as { note?: unknown }).note)
  })
  first = await run({ query })
  stop()
}, 30_000)
afterAll(() => bench.close())

test('[PIP-64] a version answers every row of a data set as a device would; the answers are a Parquet file to download', async () => {
  expect(first).toMatchObject({ state: 'succeeded', error: null })
  const rows = await rowsOf(first)
  expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: ROWS }, (_, i) => String(i)).sort())
  expect(Object.keys(must(rows[0], 'a row'))).toEqual(['id', 'label', 'confidence', 'probabilities', 'version'])
  const { manifest } = await bench.registry.getVersion(DIGITS, 1)
  const { manifest: document, model } = await fetchVersion(bench.api, manifest, new AbortController().signal)
  const device = createInferenceService({ wasmPath })
  const { handle } = await device.load({ manifest: document, tensors: model.tensors, candidates: ['wasm'] })
  let largest = 0
  for (const row of rows.filter((_, i) => i % 25 === 0)) {
    const { output } = await device.predict(handle, digit(Number(row.id)))
    expect(row).toMatchObject({ label: document.labels[output.indexOf(Math.max(...output))], version: 1 })
    for (const [i, p] of output.entries()) largest = Math.max(largest, Math.abs(p - (row.probabilities[i] ?? Number.NaN)))
    largest = Math.max(largest, Math.abs(row.confidence - Math.max(...output)))
  }
  await device.unload(handle)
  expect(largest).toBeLessThan(1e-6)
})

test('[PIP-64] rows are in memory some thousand at a time, and progress counts them', () => {
  expect(notes).toEqual(expect.arrayContaining(['2048 of 2500 rows', '2500 of 2500 rows']))
})

test('[PIP-64] the lineage of the answers names the manifest of the version and the spans of the data', async () => {
  const { manifest } = await bench.registry.getVersion(DIGITS, 1)
  const { artifacts } = await bench.api('artifacts.lineage', { params: { artifact: artifactOf(first).id }, query: { direction: 'up' } })
  expect(artifacts[0]?.properties).toMatchObject({
    model: 'digits',
    version: 1,
    manifest,
    rows: ROWS,
    labels: expect.arrayContaining(['7']),
  })
  const answers = Object.values(artifacts[0]?.properties['answers'] as Record<string, number>)
  expect(answers.reduce((sum, count) => sum + count, 0)).toBe(ROWS)
  expect(artifacts[1]?.properties).toMatchObject({ query, sources: [{ dataset: 'digits', span: 1, rows: ROWS }] })
})

test('[PIP-65] the same rows are answered from the cache, until the alias stands for another version or one is named', async () => {
  const states = (detail: RunDetail) => detail.steps.map(({ state }) => state)
  expect(states(await run({ query }))).toEqual(['cached', 'cached'])
  const second = await run({ query, version: 2 })
  expect(states(second)).toEqual(['cached', 'succeeded'])
  expect(artifactOf(second).properties).toMatchObject({ version: 2 })
  const [before, after] = [await rowsOf(first), await rowsOf(second)]
  expect(after.map(({ label }) => Number(label))).toEqual(before.map(({ label }) => (Number(label) + 1) % 10))
})

test('[PIP-64] rows of a table go through the frozen transforms, whatever they lack', async () => {
  const rows = await rowsOf(await run({ dataset: 'garden', model: 'plants' }))
  expect(rows.map(({ id, label }) => [id, label])).toEqual([
    ['a', 'rose'],
    ['b', 'tulip'],
    [null, 'tulip'],
  ])
  const widths = [2, 5.5, null]
  for (const [i, { probabilities }] of rows.entries())
    expect(probabilities[1]).toBeCloseTo(tulip(must(widths, 'widths')[i] ?? null, i === 1 ? 'blue' : 'red'), 6)
})

test.each([
  ['columns that the query does not give', 'invalid_input', 'no column id, image', { query: 'SELECT label FROM data' }],
  ['a version that is not there', 'unknown_version', 'no version 9', { query, version: 9 }],
  ['a revoked version', 'version_revoked', 'wrong labels', { query, version: 3 }],
  ['an alias that points nowhere', 'unknown_version', 'digits@beta', { query, alias: 'beta' }],
  ['a version that answers with several numbers', 'shape_mismatch', '2 values', { dataset: 'garden', model: 'pairs' }],
])('[PIP-66] [PIP-183] %s: the run fails with %s', async (_, code, detail, params) => {
  const failed = await run(params)
  expect(failed.state).toBe('failed')
  expect(failed.error).toMatchObject({ code, detail: expect.stringContaining(detail) as string })
})

test('[PIP-142] batch prediction that was interrupted goes on after the rows whose answers are kept, with the same file in the end', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'shoal-predict-'))
  let own = await createBench({ pipelines: [batchPredict], folder })
  try {
    await publishVersion(own.api, 'digits', await digitModel())
    await own.api('datasets.create', { body: { name: DIGITS } })
    const body = new Uint8Array(await readFile(join(bench.folder, 'digits.parquet')))
    await own.api('spans.upload', { params: { dataset: DIGITS }, body, type: 'application/vnd.apache.parquet' })
    const extracted = await own.api('components.run', {
      params: { component: 'extract' as Slug },
      body: { params: { sources: { data: 'digits' }, query } },
    })
    await own.pipelines.idle()
    const data = must((await own.pipelines.run(extracted.id)).steps[0]?.outputs['data'], 'the rows').id
    const asked = await own.api('components.run', {
      params: { component: 'predict' as Slug },
      body: { inputs: { data }, params: { model: 'digits', partRows: 300 } },
    })
    // at least 2,048 rows have been answered: six parts are kept, and more where the end comes later
    await new Promise<void>((resolve) => void own.events.subscribe(({ type }) => type === 'run.progress' && resolve()))
    await own.close()
    own = await createBench({ pipelines: [batchPredict], folder })
    await own.pipelines.begin()
    await own.pipelines.idle()
    const detail = await own.pipelines.run(asked.id)
    expect(detail).toMatchObject({ state: 'succeeded', steps: [{ attempts: 2 }] })
    const { items } = await own.pipelines.logs(asked.id, { limit: 100 })
    const goneOn = items
      .map(({ message }) => /^going on at row (\d+): (\d+) parts of an interrupted attempt are there$/.exec(message))
      .find(Boolean)
    expect(Number(goneOn?.[2])).toBeGreaterThanOrEqual(6)
    expect(Number(goneOn?.[1])).toBe(Math.min(ROWS, 300 * Number(goneOn?.[2])))
    expect(detail.steps[0]?.outputs['predictions']).toMatchObject({ digest: artifactOf(first).digest, properties: { rows: ROWS } })
    expect(await readdir(join(folder, 'work', 'kept'))).toEqual([])
  } finally {
    await own.close()
    await rm(folder, { recursive: true })
  }
}, 60_000)
