import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { utf8 } from '../../../shared/core/bytes.ts'
import type { RunId, Slug } from '../../../shared/core/ids.ts'
import { extract } from '../../../server/pipeline/components/extract.ts'
import { param } from '../../../server/pipeline/params.ts'
import { definePipeline, step } from '../../../server/pipeline/pipeline.ts'
import { createBench, type PipelineBench } from './pipeline-harness.ts'

const rows = 'rows' as Slug
const ENDLESS = 'SELECT sum(a.i * b.i) AS n FROM range(10000000) a(i), range(10000000) b(i)'
const asking = (name: string) =>
  definePipeline({
    name,
    description: '',
    model: name,
    dataset: rows,
    params: { query: 'SELECT * FROM r' },
    steps: { extract: step(extract, { params: { sources: { r: rows }, query: param('query') } }) },
  })

let bench: PipelineBench
/** Orders come from a folder each time, and are joined with what was uploaded. */
const importing = definePipeline({
  name: 'importing',
  description: '',
  model: 'importing',
  dataset: rows,
  params: {},
  steps: {
    extract: step(extract, {
      params: {
        imports: [{ dataset: 'orders', source: 'files', file: 'orders.csv' }],
        sources: { r: rows, o: 'orders' },
        query: 'SELECT o.id, r.b FROM o JOIN r ON r.a = o.row ORDER BY o.id',
      },
    }),
  },
})

beforeAll(async () => {
  bench = await createBench({
    pipelines: [asking('asking'), asking('other'), importing],
    form: null,
    sources: (folder) => ({ files: { kind: 'folder', path: folder } }),
  })
  await bench.api('datasets.create', { body: { name: 'orders' as Slug } })
  await bench.pipelines.begin()
  await bench.api('datasets.create', { body: { name: rows } })
  await bench.api('spans.upload', { params: { dataset: rows }, body: utf8('a,b\n1,x\n2,y\n'), type: 'text/csv' })
  writeFileSync(join(bench.folder, 'secret.csv'), 'a\nsecret\n')
})
afterAll(() => bench.close())

const start = async (name: string, query: string): Promise<RunId> =>
  (await bench.api('runs.start', { params: { pipeline: name as Slug }, body: { params: { query }, reason: 'try' } })).id
const ended = async (run: RunId) => {
  await bench.pipelines.idle()
  return bench.api('runs.get', { params: { run } })
}

test.each<[string, (folder: string) => string]>([
  ['no SELECT', () => 'DROP VIEW r'],
  ['two statements', () => 'SELECT * FROM r) TO STDOUT; SELECT (1'],
  ['a file of the machine', (folder) => `SELECT * FROM read_csv('${join(folder, 'secret.csv')}')`],
  ['a file written elsewhere', (folder) => `SELECT 1) TO '${join(folder, 'stolen.csv')}' (FORMAT csv) --`],
  ['the database of the server', (folder) => `SELECT * FROM '${join(folder, 'shoal.db')}'`],
  ['a setting', () => 'SET enable_external_access = true'],
  ['the network', () => "SELECT * FROM read_csv('http://127.0.0.1:1/rows.csv')"],
  ['a column that is not there', () => 'SELECT c FROM r'],
  ['no rows', () => 'SELECT * FROM r WHERE a > 99'],
])('[PIP-120] a query for %s fails its step with a reason and gives nothing out', async (_, query) => {
  const run = await ended(await start('asking', query(bench.folder)))
  expect(run).toMatchObject({ state: 'failed', error: { code: 'invalid_input', step: 'extract' } })
  expect(run.error?.detail.length).toBeGreaterThan(10)
  expect(run.steps[0]?.outputs).toEqual({})
})

test('[PIP-122] extraction imports first, joins what has come, and repeats nothing while the source stays as it is', async () => {
  const run = async () => {
    const { id } = await bench.api('runs.start', { params: { pipeline: 'importing' as Slug }, body: { params: {}, reason: 'again' } })
    const { error, steps } = await ended(id)
    return { error, state: steps[0]?.state, properties: steps[0]?.outputs['data']?.properties }
  }
  writeFileSync(join(bench.folder, 'orders.csv'), 'id,row\n1,1\n2,2\n3,1\n')
  expect(await run()).toMatchObject({
    error: null,
    state: 'succeeded',
    properties: {
      rows: 3,
      sources: [
        { dataset: 'rows', rows: 2 },
        { dataset: 'orders', source: 'folder files: orders.csv', rows: 3 },
      ],
    },
  })
  expect(await run()).toMatchObject({ error: null, state: 'cached' })
  writeFileSync(join(bench.folder, 'orders.csv'), 'id,row\n4,2\n')
  expect(await run()).toMatchObject({ state: 'succeeded', properties: { rows: 4, sources: [{}, { span: 1 }, { span: 2, rows: 1 }] } })
})

test('[PIP-121] a query without an end is ended with its run, and holds up no other', async () => {
  const endless = await start('asking', ENDLESS)
  const isRunning = async () => (await bench.api('runs.get', { params: { run: endless } })).steps[0]?.state === 'running'
  await expect.poll(isRunning, { timeout: 20_000 }).toBe(true)
  const other = await start('other', 'SELECT * FROM r')
  await expect.poll(async () => (await bench.api('runs.get', { params: { run: other } })).state, { timeout: 20_000 }).toBe('succeeded')
  await bench.api('runs.cancel', { params: { run: endless }, body: { reason: 'it never ends' } })
  expect(await ended(endless)).toMatchObject({ state: 'cancelled' })
})
