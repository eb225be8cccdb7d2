import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCli } from '../../../server/cli/run-cli.ts'
import type { RunId, Slug } from '../../../shared/core/ids.ts'
import { systemClock } from '../../../shared/core/clock.ts'
import { definePipeline, step } from '../../../server/pipeline/pipeline.ts'
import { param } from '../../../server/pipeline/params.ts'
import { createTestServer, type TestServer } from '../harness.ts'
import { add, draws, measures } from '../pipeline/step-kinds.ts'

let server: TestServer
let run: RunId
let other: RunId
beforeAll(async () => {
  server = await createTestServer({ clock: systemClock })
  const { pipelines, datasets } = server.services
  await datasets.create({ name: 'd' as Slug, description: '' })
  await pipelines.define(
    definePipeline({
      name: 'learn',
      description: '',
      model: 'm',
      dataset: 'd',
      params: { epochs: 3 },
      steps: {
        train: step(measures, { params: { epochs: param('epochs') } }),
        chance: step(draws, { inputs: { a: 'train.out' } }),
      },
      triggers: { demand: { enabled: true, settings: {} } },
    }),
  )
  await pipelines.define(
    definePipeline({
      name: 'sum',
      description: '',
      model: 'm',
      dataset: 'd',
      params: { epochs: 2 },
      steps: {
        train: step(measures, { params: { epochs: param('epochs') } }),
        sum: step(add, { inputs: { a: 'train.out' }, params: { plus: 1 } }),
      },
    }),
  )
  const start = async (pipeline: string, epochs: number) => {
    const { id } = await pipelines.startRun(pipeline, { params: { epochs }, reason: 'test', by: 'tests' })
    await pipelines.idle()
    return id
  }
  run = await start('learn', 3)
  other = await start('learn', 5)
}, 60_000)
afterAll(() => server.close())

/** One command line against the server, as in a pipe. */
async function shoal(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const text = { out: '', err: '' }
  const stream = (into: 'out' | 'err') => ({ write: (chunk: string) => ((text[into] += chunk), true) }) as unknown as NodeJS.WritableStream
  const code = await runCli(words, {
    env: { SHOAL_KEY: server.keys.editor },
    stdout: stream('out'),
    stderr: stream('err'),
    clock: systemClock,
    fetch: (url, init) => server.request(new URL(url).pathname + new URL(url).search, init),
  })
  return { code, ...text }
}

test('[CLI-40] runs are searched by a filter, in an order, and their metrics read as table or JSON', async () => {
  const found = await shoal('runs', 'search', "metrics.loss < 0.3 and params.epochs = '5'", '--metric', 'loss')
  expect(found).toMatchObject({ code: 0, out: expect.stringContaining(`${other}\tlearn\tsucceeded`) as string })
  expect(found.out).toContain('loss=0.2\t')
  expect(found.out).not.toContain(run)
  const ordered = await shoal('runs', 'search', '--order', 'metrics.loss desc', '--json')
  expect((JSON.parse(ordered.out) as { items: { run: { id: string } }[] }).items.map((one) => one.run.id)).toEqual([run, other])
  expect(await shoal('runs', 'search', 'metrics.loss <')).toMatchObject({
    code: 1,
    err: expect.stringContaining('filter, character 15') as string,
  })
  expect((await shoal('runs', 'metrics', run, 'loss')).out.split('\n').map((line) => line.split('\t').slice(0, 2))).toEqual([
    ['STEP', 'VALUE'],
    ['1', '1'],
    ['2', '0.5'],
    ['3', String(1 / 3)],
    [''],
  ])
  expect((await shoal('runs', 'metrics', run)).out).toContain('train accuracy\t0.3')
})

test('[CLI-41] runs are compared: exit code 1 and the step where they part', async () => {
  const { code, out } = await shoal('runs', 'compare', run, other)
  expect(code).toBe(1)
  expect(out).toContain('they part at step train (out):\n  parameter epochs changed (3 to 5)')
  expect(out).toContain('params.epochs\t3\t5')
  expect(await shoal('runs', 'compare', run, run)).toMatchObject({ code: 0, out: expect.stringMatching(/^identical/) as string })
})

test('[CLI-41] a replay says whether the same came out', async () => {
  const { code, out } = await shoal('runs', 'replay', run)
  expect(code).toBe(1)
  expect(out).toContain('they part at step chance (out):\n  nothing that is recorded')
  const first = await server.services.pipelines.startRun('sum', { params: {}, reason: 'test', by: 'tests' })
  await server.services.pipelines.idle()
  expect(await shoal('runs', 'replay', first.id)).toMatchObject({ code: 0, out: expect.stringMatching(/^identical/) as string })
}, 60_000)

test('[CLI-42] lineage is listed both ways', async () => {
  const { steps } = await server.services.pipelines.run(run)
  const [trained, drawn] = steps.map((one) => one.outputs['out']?.id ?? '')
  expect((await shoal('lineage', drawn ?? '')).out).toContain(`${trained}\tmetrics`)
  expect((await shoal('lineage', trained ?? '', '--down')).out).toContain(`${drawn}\tmetrics`)
  expect(await shoal('lineage', 'art_00000000000000000000')).toMatchObject({ code: 1 })
})

test('[CLI-43] triggers are set, tested and explained', async () => {
  expect(await shoal('triggers', 'set', 'learn', 'schedule', 'cron=30 2 * * *', 'timeZone=Europe/Berlin', 'catchUp=none')).toMatchObject({
    code: 0,
  })
  expect(
    await shoal('triggers', 'set', 'learn', 'schedule', 'catchUp=null', 'budget={"runs":3,"periodMs":86400000}', '--off'),
  ).toMatchObject({ code: 0 })
  expect((await shoal('triggers')).out).toContain(
    'learn\tschedule\toff\t-\tcron=30 2 * * * timeZone=Europe/Berlin budget={"runs":3,"periodMs":86400000}',
  )
  const tested = await shoal('triggers', 'test', 'learn', 'schedule')
  expect(tested).toMatchObject({
    code: 1,
    out: expect.stringMatching(/^fires +no \(not-due\)\nwhy +not due: .*the trigger is off\n/) as string,
  })
  expect(await shoal('triggers', 'test', 'learn', 'demand')).toMatchObject({ code: 0 })
  expect((await shoal('triggers', 'decisions', 'learn', '--kind', 'demand')).out).toContain(`demand\tfired\t${other}\tasked for by tests`)
  expect(await shoal('triggers', 'set', 'learn', 'nightly')).toMatchObject({ code: 2 })
  expect(await shoal('triggers', 'set', 'learn', 'schedule', 'cron=often')).toMatchObject({
    code: 1,
    err: expect.stringContaining('settings.cron') as string,
  })
})

test('[CLI-44] a run is started once for a key, and a pipeline tells its maturity', async () => {
  const started = [
    await shoal('runs', 'start', 'sum', '--once', 'nightly', '--json'),
    await shoal('runs', 'start', 'sum', '--once', 'nightly', '--json'),
  ]
  const [first, again] = started.map(({ out }) => (JSON.parse(out) as { id: string }).id)
  expect(again).toBe(first)
  await server.services.pipelines.idle()
  expect((await shoal('pipelines', 'maturity', 'learn')).out).toMatch(/^level 0; from new data to a new model: no such run yet\n/)
})
