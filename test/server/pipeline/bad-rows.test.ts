import { closeSync, ftruncateSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Slug } from '../../../shared/core/ids.ts'
import { analyse } from '../../../server/pipeline/components/analyse.ts'
import { extract } from '../../../server/pipeline/components/extract.ts'
import { validateData } from '../../../server/pipeline/components/validate-data.ts'
import { definePipeline, step } from '../../../server/pipeline/pipeline.ts'
import { createBench, type PipelineBench } from './pipeline-harness.ts'

/** Takes a file in, and looks at its rows. */
const taking = (file: string) => {
  const name = file.replaceAll('.', '-') as Slug
  return definePipeline({
    name,
    description: '',
    model: name,
    dataset: name,
    params: {},
    steps: {
      extract: step(extract, { params: { imports: [{ dataset: name, source: 'files', file }], sources: { r: name } } }),
      analyse: step(analyse, { inputs: { data: 'extract.data' }, params: { form: { kind: 'columns', columns: ['a', 'b'] }, label: 'b' } }),
      'validate-data': step(validateData, {
        inputs: { statistics: 'analyse.statistics', schema: 'analyse.schema' },
        params: { dataset: name },
      }),
    },
  })
}

const columns = (count: number): string => Array.from({ length: count }, (_, i) => `c${i}`).join(',')
/** Only what is read of it takes room on the disk. */
function hugeLine(path: string, head: string, bytes: number): void {
  const file = openSync(path, 'w')
  writeSync(file, head)
  for (let at = 0; at < 8; at++) writeSync(file, 'x'.repeat(1 << 20))
  ftruncateSync(file, bytes)
  writeSync(file, '\n2,y\n', bytes - 5)
  closeSync(file)
}
const GIB = 2 ** 30

const BAD: [file: string, what: string, where: RegExp, write: (path: string) => void][] = [
  ['line.csv', 'a line of 1 GiB', /line\.csv, line 3: longer than 2097152 bytes/, (path) => hugeLine(path, 'a,b\n1,x\n2,', GIB)],
  ['quoted.csv', 'a quoted text of 1 GiB', /quoted\.csv, line 4: longer than/, (path) => hugeLine(path, 'a,b\n1,"\n\n', GIB)],
  ['head.csv', 'a header of 1 GiB', /head\.csv, line 1: longer than/, (path) => hugeLine(path, 'a,', GIB)],
  ['line.jsonl', 'a row of 1 GiB', /line\.jsonl, .*longer than/, (path) => hugeLine(path, '{"a":1}\n{"a":"', GIB)],
  [
    'wide.csv',
    '100,000 columns',
    /wide\.csv, line 1: has 100000 columns/,
    (path) => writeFileSync(path, `${columns(100_000)}\n${columns(100_000)}\n`),
  ],
  ['nul.csv', 'a NUL byte', /nul\.csv, line 3: holds a NUL byte/, (path) => writeFileSync(path, 'a,b\n1,x\n2,\0\n')],
  [
    'utf16.csv',
    'another byte order mark',
    /utf16\.csv, line 1: begins like UTF16/,
    (path) => writeFileSync(path, '\ufeffa,b\n1,x\n', 'utf16le'),
  ],
  ['ragged.csv', 'ragged rows', /ragged\.csv has 2 rows with more or fewer fields/, (path) => writeFileSync(path, 'a,b\n1\n2,y\n3,z,w\n')],
]
const GOOD = ['marked.csv', 'mixed.csv']

let bench: PipelineBench

beforeAll(async () => {
  const all = [...BAD.map(([file]) => file), ...GOOD].map(taking)
  bench = await createBench({ pipelines: all, form: null, sources: (folder) => ({ files: { kind: 'folder', path: folder } }) })
  for (const { dataset } of all) await bench.api('datasets.create', { body: { name: dataset as Slug } })
  for (const [file, , , write] of BAD) write(join(bench.folder, file))
  writeFileSync(join(bench.folder, 'marked.csv'), '\ufeffa,b\r\n1,x\r\n2,y\r\n')
  writeFileSync(join(bench.folder, 'mixed.csv'), `a,b\n${Array.from({ length: 50 }, (_, i) => `${i === 30 ? 'none' : i},x`).join('\n')}\n`)
  await bench.pipelines.begin()
})
afterAll(() => bench.close())

const start = (file: string) =>
  bench.api('runs.start', { params: { pipeline: file.replaceAll('.', '-') as Slug }, body: { params: {}, reason: 'try' } })
const ended = async (run: Awaited<ReturnType<typeof start>>) => {
  await bench.pipelines.idle()
  return bench.api('runs.get', { params: { run: run.id } })
}

test.each(BAD)('[PIP-181] extracting %s, with %s, fails its step with the place, and no other run', async (file, _, where) => {
  const [bad, good] = [await start(file), await start('marked.csv')]
  const { state, error } = await ended(bad)
  expect(state).toBe('failed')
  expect(error).toMatchObject({ code: 'invalid_input', step: 'extract', detail: expect.stringMatching(where) as string })
  expect((await bench.api('datasets.get', { params: { dataset: file.replaceAll('.', '-') as Slug } })).spans).toEqual([])
  expect(await ended(good)).toMatchObject({ state: 'succeeded', error: null })
})

test('[PIP-181] a byte order mark of UTF8 is no part of a name', async () => {
  const { state, steps } = await ended(await start('marked.csv'))
  expect(state).toBe('succeeded')
  const data = steps.find(({ name }) => name === 'extract')?.outputs['data']
  expect(data?.properties).toMatchObject({ rows: 2, columns: { a: 'BIGINT', b: 'VARCHAR' } })
})

test('[PIP-181] a column of mixed types comes in as text, and is an anomaly where the schema wants numbers', async () => {
  const dataset = 'mixed-csv' as Slug
  const number = { name: 'a', type: 'int' as const, presence: { minFraction: 1, minCount: 1 } }
  await bench.datasets.schemas.set(dataset, {
    schema: { environments: ['TRAINING', 'SERVING'], features: [number, { name: 'b', type: 'string' }] },
    reason: 'known',
    by: 'tests',
  })
  const { state, error } = await ended(await start('mixed.csv'))
  expect([state, error]).toEqual(['stopped', expect.objectContaining({ step: 'validate-data', detail: expect.stringMatching(/\ba\b/) })])
})
