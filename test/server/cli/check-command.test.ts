import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeModel } from '../../../server/pipeline/data/model-file.ts'
import type { Check } from '../../../server/checks/check.ts'
import { linear } from '../../../shared/compute/architectures.ts'
import type { NamedTensors } from '../../../shared/tensor/tensor.ts'
import { ROOT } from '../../house/files.ts'
import { type CliWorld, createCliWorld } from './cli-world.ts'

const SCHEMA = {
  environments: ['TRAINING', 'SERVING'],
  features: [
    { name: 'size', type: 'int', presence: { minFraction: 1, minCount: 1 }, domain: { kind: 'range', min: 0, max: 100 } },
    { name: 'kind', type: 'string', environments: ['TRAINING'], presence: { minFraction: 1, minCount: 1 } },
  ],
}

let world: CliWorld
let folder: string
beforeAll(async () => {
  world = await createCliWorld({ 'pipelines.list': async () => ({ items: [] }) })
  folder = await mkdtemp(join(tmpdir(), 'shoal-check-'))
})
afterAll(async () => {
  await world.close()
  await rm(folder, { recursive: true })
})

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, content)
  return path
}
async function check(...words: string[]): Promise<{ code: number; checks: Check[]; err: string }> {
  const { code, out, err } = await world.run(['check', ...words, '--json'])
  return { code, checks: out === '' ? [] : (JSON.parse(out) as { checks: Check[] }).checks, err }
}
const failed = (checks: readonly Check[]) => checks.filter(({ ok }) => !ok).map(({ check: name, what }) => `${name}: ${what}`)

test('[CLI-69] data that fits passes; what does not, and what is no table, is exit code 3 with each fault', async () => {
  const schema = await file('schema.json', JSON.stringify(SCHEMA))
  const good = await file('good.csv', 'size,kind\n1,a\n2,b\n')
  expect(await world.run(['check', 'data', good, '--schema', schema])).toMatchObject({
    code: 0,
    out: 'CHECK\tRESULT\tWHAT\nreadable\tok\t2 rows, 2 features\nfits\tok\tthe rows fit the schema\n',
  })
  const bad = await check('data', await file('bad.csv', 'size,kind\n1,a\n200,b\n'), '--schema', schema)
  expect(bad.code).toBe(3)
  expect(failed(bad.checks)).toEqual([expect.stringMatching(/^size .*200/)])
  const serving = await file('serving.csv', 'size\n1\n')
  expect((await check('data', serving, '--schema', schema)).code).toBe(3)
  expect((await check('data', serving, '--schema', schema, '--environment', 'SERVING')).code).toBe(0)
  const ragged = await check('data', await file('ragged.csv', 'size,kind\n1\n'), '--schema', schema)
  expect([ragged.code, failed(ragged.checks)]).toEqual([3, [expect.stringMatching(/^readable: ragged\.csv has 1 row .*line 2: 1 field/)]])
})

test('[CLI-69] the accepted schema of a dataset is asked of the server', async () => {
  const schema = await file('stored.json', JSON.stringify(SCHEMA))
  for (const words of [
    ['datasets', 'create', 'rows'],
    ['schemas', 'propose', 'rows', schema, '--reason', 'known'],
    ['schemas', 'accept', 'rows', '1', '--reason', 'reviewed'],
  ])
    expect((await world.run(words)).code).toBe(0)
  expect((await check('data', await file('size.csv', 'size,kind\n-1,a\n'), '--dataset', 'rows')).code).toBe(3)
  expect((await check('schema', schema, '--dataset', 'rows')).code).toBe(0)
  const missing = await check('schema', schema, '--dataset', 'none')
  expect([missing.code, missing.err]).toEqual([1, expect.stringContaining('unknown_dataset')])
})

test('[CLI-69] a schema that contradicts itself, or refuses what the one in force takes, is exit code 4', async () => {
  const stored = await file('in-force.json', JSON.stringify(SCHEMA))
  const [size, kind] = SCHEMA.features
  const wider = await file('wider.json', JSON.stringify({ ...SCHEMA, features: [{ ...size, domain: undefined }, kind] }))
  const ok = await check('schema', wider, '--against', stored)
  expect([ok.code, ok.checks.map(({ check: name }) => name)]).toEqual([0, ['valid', 'compatible']])
  const back = await check('schema', stored, '--against', wider)
  expect([back.code, failed(back.checks)]).toEqual([4, ['compatible: size: only values of a domain (range) are allowed now']])
  const broken = await check('schema', await file('twice.json', JSON.stringify({ ...SCHEMA, features: [size, size] })))
  expect([broken.code, failed(broken.checks)]).toEqual([4, [expect.stringContaining('a feature is named twice')]])
  expect((await check('schema', await file('no.json', 'not JSON'))).code).toBe(4)
  expect((await check('schema', join(folder, 'nowhere.json'))).code).toBe(1)
})

const weights = (kernel: number): NamedTensors => ({
  'output/kernel': { dtype: 'float32', shape: [3, 2], data: new Float32Array(6).fill(kernel) },
  'output/bias': { dtype: 'float32', shape: [2], data: new Float32Array([0.5, -0.5]) },
})
const model = (kernel: number) => encodeModel({ topology: linear({ inputShape: [3], classes: 2 }), tensors: weights(kernel) })

test('[CLI-69] a model is loaded, asked and timed; one that is broken or over its budget is exit code 5', async () => {
  const good = await file('good.safetensors', model(0.1))
  const ok = await check('model', good, '--size', '32', '--latency', '60000', '--memory', '1000000')
  expect([ok.code, ok.checks.map(({ check: name }) => name)]).toEqual([
    0,
    ['reads', 'weights', 'loads', 'answers', 'self-test', 'answerMs', 'modelBytes', 'memoryBytes'],
  ])
  const heavy = await check('model', good, '--size', '31')
  expect([heavy.code, failed(heavy.checks)]).toEqual([5, ['modelBytes: 32, the budget is 31']])
  const nan = await check('model', await file('nan.safetensors', model(Number.NaN)))
  expect([nan.code, failed(nan.checks)]).toEqual([5, ['weights: output/kernel[0] is NaN']])
  const cut = await check('model', await file('cut.safetensors', model(0.1).slice(0, 200)))
  expect([cut.code, failed(cut.checks)]).toEqual([5, [expect.stringMatching(/^reads: invalid_document/)]])
  expect((await check('model', join(folder, 'nowhere.onnx'))).code).toBe(1)
})

const module = (path: string): string => JSON.stringify(pathToFileURL(join(ROOT, 'server', 'pipeline', path)).href)
const pipelineFile = (name: string, ...pipelines: string[]) =>
  file(
    name,
    `import { definePipeline, step } from ${module('pipeline.ts')}
     import { param } from ${module('params.ts')}
     import { evaluate } from ${module('components/evaluate.ts')}
     import { extract } from ${module('components/extract.ts')}
     import { prepare } from ${module('components/prepare.ts')}
     import { train } from ${module('components/train.ts')}
     export const pipelines = [${pipelines.map((rest) => `definePipeline({ model: 'm', dataset: 'd', description: '', ${rest} })`).join(', ')}]`,
  )
const extracted = `extract: step(extract, { params: { sources: { rows: 'd' } } })`

test('[CLI-69] a file of pipelines that hold together passes; each circle, wrong wire and unknown parameter is exit code 6 with its place', async () => {
  const prepared = `prepare: step(prepare, { inputs: { data: 'extract.data' }, params: { form: { kind: 'columns', columns: ['x'] }, label: 'y' } })`
  const good = await pipelineFile('good.mts', `name: 'one', steps: { ${extracted} }`, `name: 'two', steps: { ${extracted}, ${prepared} }`)
  expect(await world.run(['check', 'pipeline', good])).toMatchObject({
    code: 0,
    out: 'CHECK\tRESULT\tWHAT\none\tok\t1 steps and 0 wires fit\ntwo\tok\t2 steps and 1 wires fit\n',
  })
  const faults = async (name: string, ...pipelines: string[]) => {
    const { code, checks } = await check('pipeline', await pipelineFile(name, ...pipelines))
    return [code, failed(checks)]
  }
  const recipe = `{ architecture: { kind: 'linear' }, optimizer: { kind: 'adam' }, epochs: 1, batchSize: 1, learningRate: { kind: 'constant', rate: 1 } }`
  expect(
    await faults(
      'circle.mts',
      `name: 'c', steps: { ${extracted}, ${prepared.replace(' }, params', ` }, after: ['evaluate'], params`)},
         train: step(train, { inputs: { train: 'prepare.train', validation: 'prepare.validation', transforms: 'prepare.transforms' }, params: { recipe: ${recipe} } }),
         evaluate: step(evaluate, { inputs: { model: 'train.model', test: 'prepare.test', transforms: 'prepare.transforms' } }) }`,
    ),
  ).toEqual([6, ['c: steps.prepare: waits for itself through prepare, train, evaluate']])
  expect(
    await faults(
      'wires.mts',
      `name: 'w', steps: { ${extracted}, ${prepared}, evaluate: step(evaluate, { inputs: { model: 'prepare.train', test: 'prepare.tset', transforms: 'nowhere.transforms' } }) }`,
    ),
  ).toEqual([
    6,
    [
      'w: steps.evaluate.inputs.model: takes type model, but prepare.train is of type split',
      expect.stringMatching(/^w: steps\.evaluate\.inputs\.test: step prepare has no output tset; it has /),
      'w: steps.evaluate.inputs.transforms: comes from step nowhere, which does not exist',
    ],
  ])
  expect(
    await faults(
      'params.mts',
      `name: 'p', params: { rows: 5 }, steps: { extract: step(extract, { params: { sources: { rows: 'd' }, rows: 5 } }), again: step(extract, { params: { sources: { rows: param('data') } } }) }`,
    ),
  ).toEqual([
    6,
    [expect.stringMatching(/^p: steps\.extract\.params: .*rows/), 'p: steps.again.params.sources.rows: the pipeline has no parameter data'],
  ])
  const broken = await check('pipeline', await file('broken.mts', 'export const pipelines = ['))
  expect([broken.code, failed(broken.checks)]).toEqual([6, [expect.stringMatching(/^loads: .*broken\.mts cannot be loaded/)]])
  const absent = await check('pipeline', join(folder, 'nowhere.mts'))
  expect([absent.code, absent.err]).toEqual([1, expect.stringContaining('not_found')])
})

test('[CLI-69] what is not understood is exit code 2, and nothing is asked of the server', async () => {
  const before = world.requests.length
  const schema = await file('alone.json', JSON.stringify(SCHEMA))
  const rows = await file('rows.csv', 'size,kind\n1,a\n')
  for (const words of [
    ['data', rows],
    ['data', rows, '--schema', schema, '--dataset', 'x'],
    ['data', rows, '--schema', schema, '--environment', 'MOON'],
    ['schema', schema, '--against', schema, '--dataset', 'x'],
    ['model', rows, '--latency', 'soon'],
    ['model', rows, '--example', '{'],
    ['pipeline'],
    ['weather'],
  ])
    expect([words, (await check(...words)).code]).toEqual([words, 2])
  expect(world.requests.length).toBe(before)
})
