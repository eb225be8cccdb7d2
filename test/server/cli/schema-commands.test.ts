import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Handlers } from '../../../server/http/register.ts'
import type { RunDetail, StepSummary } from '../../../shared/contract/pipelines.ts'
import type { Sha256 } from '../../../shared/core/digest.ts'
import type { RunId, Slug } from '../../../shared/core/ids.ts'
import { type CliWorld, createCliWorld } from './cli-world.ts'

const folder = mkdtempSync(join(tmpdir(), 'shoal-schemas-'))
const RUN = 'run_0000000000000000000z' as RunId
const resumed: string[] = []
let world: CliWorld

const step: StepSummary = {
  name: 'validate-data',
  component: 'validate-data',
  componentVersion: '1',
  componentDigest: null,
  inputs: {},
  state: 'stopped',
  after: [],
  started: 1,
  ended: 2,
  attempts: 1,
  cache: null,
  progress: null,
  outputs: {},
  params: { dataset: 'flowers' },
  error: null,
}
const stopped: RunDetail = {
  id: RUN,
  pipeline: 'flowers' as Slug,
  pipelineDigest: '0'.repeat(64) as Sha256,
  state: 'stopped',
  trigger: { kind: 'demand', reason: 'try', by: 'tester' },
  params: {},
  created: 1,
  started: 1,
  ended: 2,
  error: { code: 'schema_anomaly', detail: 'colour has values outside its domain', step: 'validate-data' },
  steps: [step],
  metrics: {},
  replayOf: null,
  seed: 1,
  environment: {},
}
const handlers: Handlers = {
  'pipelines.list': async () => ({
    items: [
      {
        name: 'flowers' as Slug,
        dataset: 'flowers' as Slug,
        digest: '0'.repeat(64) as Sha256,
        description: '',
        steps: [],
        triggers: [],
        params: {},
        lastRun: null,
      },
    ],
  }),
  'runs.list': async () => ({ items: [stopped], next: null }),
  'runs.get': async () => stopped,
  'runs.resume': async ({ params }) => {
    resumed.push(params.run)
    return { ...stopped, state: 'queued' }
  },
}

beforeAll(async () => {
  world = await createCliWorld(handlers)
  writeFileSync(
    join(folder, 'rows.csv'),
    `id,colour\n${Array.from({ length: 20 }, (_, i) => `${i},${i % 2 === 0 ? 'red' : 'green'}`).join('\n')}\n`,
  )
  writeFileSync(
    join(folder, 'edited.json'),
    JSON.stringify({
      features: [
        { name: 'id', type: 'int' },
        { name: 'colour', type: 'string' },
      ],
    }),
  )
})
afterAll(async () => {
  await world.close()
  rmSync(folder, { recursive: true, force: true })
})

test('[CLI-50] from the first rows to an accepted schema and on, with what each step changes', async () => {
  expect((await world.run('schemas list flowers')).err).toContain('unknown_dataset')
  await world.run('datasets create flowers')
  expect((await world.run('schemas list flowers')).err).toContain('no schema yet')
  await world.run(['datasets', 'upload', 'flowers', join(folder, 'rows.csv')])
  const inferred = await world.run(['schemas', 'infer', 'flowers', '--reason', 'first rows'])
  expect(inferred.out).toContain('proposed version 1 of flowers')
  expect(inferred.out).toContain('colour is new: {')
  expect(inferred.out).toContain('npx shoal schemas accept flowers 1')
  const accepted = await world.run(['schemas', 'accept', 'flowers', '1', '--reason', 'reviewed'])
  expect(accepted).toMatchObject({ code: 0, out: expect.stringContaining(`npx shoal runs resume RUN\`): ${RUN}`) as string })
  expect(resumed).toEqual([])

  const edited = await world.run(['schemas', 'propose', 'flowers', join(folder, 'edited.json'), '--reason', 'any colour'])
  expect(edited.out).toContain('colour, domain goes: {"kind":"values","values":["green","red"],"minMass":1}')
  await world.run(['schemas', 'accept', 'flowers', '2', '--reason', 'reviewed', '--resume'])
  expect(resumed).toEqual([RUN])
  const { out } = await world.run('schemas list flowers')
  expect(out.split('\n').map((line) => line.split('\t').slice(0, 2))).toEqual([
    ['VERSION', 'STATE'],
    ['2', 'accepted'],
    ['1', 'superseded'],
    [''],
  ])
  expect((await world.run('schemas show flowers 1')).out).toMatch(/decided .*Z by tester/)
  expect(JSON.parse((await world.run('schemas show flowers 2 --json')).out)).toMatchObject({
    state: 'accepted',
    schema: { features: [{ name: 'id' }, {}] },
  })
})

test('[CLI-50] what cannot be is said', async () => {
  await world.run('datasets create leaves')
  await world.run(['schemas', 'propose', 'leaves', join(folder, 'edited.json'), '--reason', 'try'])
  expect((await world.run(['schemas', 'reject', 'leaves', '1', '--reason', 'no'])).out).toBe('rejected version 1 of leaves\n')
  expect((await world.run(['schemas', 'accept', 'leaves', '1', '--reason', 'yes'])).err).toContain('conflict')
  expect(await world.run('schemas show leaves 9')).toMatchObject({ code: 1, err: expect.stringContaining('not_found') as string })
  expect((await world.run(['schemas', 'accept', 'leaves', 'x', '--reason', 'yes'])).code).toBe(2)
  expect((await world.run(['schemas', 'infer', 'leaves', '--reason', 'rows'])).err).toContain('upload a file first')
})
