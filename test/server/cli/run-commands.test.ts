import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Handlers } from '../../../server/http/register.ts'
import type { RunDetail, StepSummary } from '../../../shared/contract/pipelines.ts'
import { AppError } from '../../../shared/core/errors.ts'
import type { RunId, Slug } from '../../../shared/core/ids.ts'
import type { Sha256 } from '../../../shared/core/digest.ts'
import { type CliWorld, createCliWorld } from './cli-world.ts'

const ID = 'run_0000000000000000000z' as RunId
const START = Date.UTC(2026, 0, 1)

const step = (name: string, state: StepSummary['state'], done = 0): StepSummary => ({
  name,
  component: name,
  componentVersion: '1',
  state,
  after: [],
  started: START,
  ended: state === 'running' || state === 'waiting' ? null : START + 1500,
  attempts: 1,
  cache: null,
  progress: state === 'running' ? { done, total: 4, note: `epoch ${done}/4` } : null,
  componentDigest: null,
  inputs: {},
  outputs: {},
  params: {},
  error: state === 'failed' ? { code: 'training_diverged', detail: 'loss is NaN at step 7' } : null,
})

const run = (state: RunDetail['state'], steps: StepSummary[]): RunDetail => ({
  id: ID,
  pipeline: 'digits' as Slug,
  pipelineDigest: '0'.repeat(64) as Sha256,
  state,
  trigger: { kind: 'demand', reason: 'try', by: 'tester' },
  params: {},
  replayOf: null,
  seed: 1,
  environment: {},
  created: START,
  started: START,
  ended: state === 'running' ? null : START + 3000,
  error: state === 'failed' ? { code: 'training_diverged', detail: 'loss is NaN at step 7', step: 'train' } : null,
  steps,
  metrics: state === 'succeeded' ? { accuracy: 0.98765 } : {},
})

/** What the server answers to each look at the run, in order; the last one stays. */
let looks: RunDetail[] = []
const started: unknown[] = []
const summary = ({ steps: _steps, metrics: _metrics, seed: _seed, environment: _environment, ...rest }: RunDetail) => rest
const lines = Array.from({ length: 3 }, (_, seq) => ({
  seq,
  at: START,
  step: 'train',
  level: 'info' as const,
  message: seq === 2 ? '\u001b[2J bell \u0007' : `line ${seq}`,
}))

const handlers: Handlers = {
  'runs.start': async ({ params, body }) => {
    if (params.pipeline !== 'digits') throw new AppError('unknown_pipeline', `there is no pipeline ${params.pipeline}`)
    started.push(body)
    return summary(run('running', []))
  },
  'runs.get': async () => (looks.length > 1 ? looks.shift() : looks[0]) ?? run('running', []),
  'runs.list': async ({ query }) => ({ items: query.state === 'failed' ? [] : [summary(run('succeeded', []))], next: 'further' }),
  'runs.logs': async ({ query }) =>
    query.cursor === undefined ? { items: lines.slice(0, 2), next: 'page2' } : { items: lines.slice(2), next: null },
  'runs.cancel': async () => summary(run('cancelled', [])),
}

let world: CliWorld
beforeAll(async () => {
  world = await createCliWorld(handlers)
})
afterAll(() => world.close())

test('[CLI-1] a run starts with typed parameters', async () => {
  expect(await world.run(['runs', 'start', 'digits', 'epochs=3', 'mode=fast', 'name=a=b', '--reason', 'try'])).toMatchObject({
    code: 0,
    out: expect.stringContaining(ID) as string,
  })
  expect(started.at(-1)).toEqual({ params: { epochs: 3, mode: 'fast', name: 'a=b' }, reason: 'try' })
  expect(await world.run('runs start nope')).toMatchObject({
    code: 1,
    err: expect.stringContaining('`npx shoal pipelines` lists') as string,
  })
})

test('[CLI-1] runs are listed, filtered, paged', async () => {
  const { out, err } = await world.run('runs --pipeline digits', { tty: true })
  expect(stripVTControlCharacters(out)).toContain(`${ID}  digits    succeeded  demand   2026-01-01 00:00:00Z  3.0 s  try`)
  expect(err).toBe('more: --cursor further\n')
  expect(world.requests.at(-1)).toBe('GET http://localhost:8787/v1/runs?limit=20&pipeline=digits')
  expect(await world.run('runs list --state failed')).toMatchObject({ out: '', err: expect.stringMatching(/^no runs yet/) as string })
})

test('[CLI-5] follow tells each change of a step once and ends with the figures; exit code 0', async () => {
  looks = [
    run('running', [step('extract', 'running'), step('train', 'waiting')]),
    run('running', [step('extract', 'cached'), step('train', 'running', 1)]),
    run('running', [step('extract', 'cached'), step('train', 'running', 3)]),
    run('succeeded', [step('extract', 'cached'), step('train', 'succeeded')]),
  ]
  const { code, out, err } = await world.run(`runs follow ${ID}`)
  expect(code).toBe(0)
  expect(err.trim().split('\n')).toEqual(['extract: running', 'extract: cached 1.5 s', 'train: running', 'train: succeeded 1.5 s'])
  expect(out).toBe(`${ID} succeeded in 3.0 s accuracy=0.9877\n`)
})

test('[CLI-5] on a terminal a bar shows the step, its note and the share that is done', async () => {
  looks = [
    run('running', [step('extract', 'succeeded'), step('train', 'running', 2)]),
    run('succeeded', [step('extract', 'succeeded'), step('train', 'succeeded')]),
  ]
  const { code, err } = await world.run('runs start digits --follow', { tty: true })
  expect(code).toBe(0)
  expect(stripVTControlCharacters(err)).toContain('75 %  train  epoch 2/4')
})

test('[CLI-5] following a run that fails is exit code 1, with the failure', async () => {
  looks = [run('failed', [step('train', 'failed')])]
  const { code, out } = await world.run(`runs follow ${ID}`)
  expect(code).toBe(1)
  expect(out).toContain('training_diverged: loss is NaN at step 7')
  const json = await world.run(`runs follow ${ID} --json`)
  expect(json.code).toBe(1)
  expect(JSON.parse(json.out)).toMatchObject({ state: 'failed', steps: [{ name: 'train' }] })
})

test('[CLI-1] logs are read page by page; as JSON one line each', async () => {
  const { out } = await world.run(`runs logs ${ID} --step train`)
  expect(out.split('\n').slice(0, 2)).toEqual(['2026-01-01 00:00:00Z info  train: line 0', '2026-01-01 00:00:00Z info  train: line 1'])
  const json = await world.run(`runs logs ${ID} --json`)
  expect(
    json.out
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { seq: number }).seq),
  ).toEqual([0, 1, 2])
})

test('[CLI-6] control characters from outside never reach the terminal', async () => {
  const { out } = await world.run(`runs logs ${ID}`, { tty: true })
  expect(out).toContain('�[2J bell �')
})

test('[CLI-1] a run is shown with its steps, and cancelled', async () => {
  looks = [run('failed', [step('extract', 'succeeded'), step('train', 'failed')])]
  const { out } = await world.run(`runs show ${ID}`)
  expect(out).toContain('error     training_diverged: loss is NaN at step 7')
  expect(out).toContain('train\tfailed\t1.5 s\t-\tloss is NaN at step 7')
  expect(await world.run(`runs cancel ${ID} --reason enough`)).toMatchObject({ code: 0, out: `${ID} cancelled\n` })
})
