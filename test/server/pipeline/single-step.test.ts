import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCli } from '../../../server/cli/run-cli.ts'
import { definePipeline, step } from '../../../server/pipeline/pipeline.ts'
import type { RunDetail } from '../../../shared/contract/pipelines.ts'
import { systemClock } from '../../../shared/core/clock.ts'
import type { ArtifactId, RunId, Slug } from '../../../shared/core/ids.ts'
import { createBench, type PipelineBench } from './pipeline-harness.ts'
import { add, constant, refuses, waitsForFile } from './step-kinds.ts'
import { Writable } from 'node:stream'

const sums = definePipeline({
  name: 'sums',
  description: '',
  model: 'sums',
  dataset: 'sums',
  steps: {
    three: step(constant, { params: { value: 3 } }),
    more: step(add, { inputs: { a: 'three.out' } }),
    gate: step(refuses, { inputs: { a: 'more.out' } }),
    wait: step(waitsForFile, { inputs: { a: 'more.out' }, params: { path: '/nowhere' }, after: ['gate'] }),
  },
})

let bench: PipelineBench
let folder: string
let first: RunDetail
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shoal-single-'))
  bench = await createBench({ pipelines: [sums], folder })
  const { id } = await bench.pipelines.startRun('sums', { params: {}, reason: 'test', by: 'tests' })
  first = await finished(id)
})
afterAll(async () => {
  await bench.close()
  await rm(folder, { recursive: true })
})

async function finished(id: RunId): Promise<RunDetail> {
  await bench.pipelines.idle()
  return bench.api('runs.get', { params: { run: id } })
}
const artifact = (name: string): ArtifactId => first.steps.find((one) => one.name === name)?.outputs['out']?.id as ArtifactId
const run = (component: string, inputs: Record<string, ArtifactId>, params = {}) =>
  bench.api('components.run', { params: { component: component as Slug }, body: { inputs, params } })

async function shoal(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const texts = ['', '']
  const [stdout, stderr] = texts.map(
    (_, i) =>
      new Writable({
        write(chunk: Buffer, _encoding, done) {
          texts[i] += chunk.toString()
          done()
        },
      }),
  )
  const code = await runCli([...words, '--url', 'http://test'], {
    env: {},
    stdout: stdout as Writable,
    stderr: stderr as Writable,
    fetch: (url, init) => bench.send(new Request(url, init)),
    clock: systemClock,
  })
  return { code, out: texts[0] ?? '', err: texts[1] ?? '' }
}

describe('one step by itself', () => {
  test('[PIP-138] runs on stored artifacts as a run of its own, in their lineage, with and without what it may do without', async () => {
    const [three, more] = [artifact('three'), artifact('more')]
    const alone = await finished((await run('add', { a: three }, { plus: 4 })).id)
    expect(alone).toMatchObject({
      pipeline: 'step-add',
      state: 'succeeded',
      steps: [{ name: 'add', component: 'add', state: 'succeeded' }],
    })
    expect(alone.steps[0]?.outputs['out']?.properties).toEqual({ sum: 7 })
    const both = await finished((await run('add', { a: three, b: more })).id)
    expect(both.steps[0]?.outputs['out']?.properties).toEqual({ sum: 6 })
    const up = await bench.api('artifacts.lineage', {
      params: { artifact: both.steps[0]?.outputs['out']?.id as ArtifactId },
      query: { direction: 'up' },
    })
    expect(up.artifacts.map(({ id }) => id)).toEqual(expect.arrayContaining([three, more]))
    expect(up.executions.map(({ step: name }) => name)).toEqual(expect.arrayContaining(['three', 'more', 'add']))
    // a second time there is nothing to do
    expect((await finished((await run('add', { a: three }, { plus: 4 })).id)).steps[0]?.state).toBe('cached')
    // what the pipeline has done already as well
    expect((await finished((await run('add', { a: three })).id)).steps[0]).toMatchObject({
      state: 'cached',
      outputs: { out: { digest: expect.any(String) } },
    })
  })

  test('[PIP-139] what does not fit is told before anything runs, by input and parameter', async () => {
    const refused = (component: string, inputs: object, params = {}) =>
      run(component, inputs as Record<string, ArtifactId>, params).then(
        () => 'accepted',
        ({ code, detail }: { code: string; detail: string }) => `${code}: ${detail}`,
      )
    const three = artifact('three')
    const blessing = first.steps.find(({ name }) => name === 'gate')?.outputs['blessing']?.id
    expect(await refused('subtract', {})).toMatch(/^not_found: there is no component subtract; there are extract, .*add/)
    expect(await refused('add', {})).toMatch(/^invalid_input: inputs.a: is missing: an artifact of type metrics/)
    expect(await refused('add', { a: three, c: three })).toMatch(
      /inputs.c: add has no such input; it takes a \(metrics\), b \(metrics, optional\)/,
    )
    expect(await refused('add', { a: blessing })).toMatch(/inputs.a: takes type metrics, but art_\w+ is of type blessing/)
    expect(await refused('add', { a: three.replace(/.$/, three.endsWith('0') ? '1' : '0') })).toMatch(
      /^not_found: input a: there is no artifact/,
    )
    expect(await refused('add', { a: three }, { plus: 'much' })).toMatch(/^invalid_input: steps.add.params.plus/)
    expect((await bench.api('runs.list', { query: {} })).items.every(({ state }) => state !== 'failed')).toBe(true)
  })

  test('[PIP-140] a step by itself that was interrupted goes on after a restart', async () => {
    const go = join(folder, 'go')
    const { id } = await run('waits-for-file', {}, { path: go })
    await new Promise<void>((resolve) => {
      bench.events.subscribe((event) => void (event.type === 'run.progress' && resolve()))
    })
    await bench.close()
    bench = await createBench({ pipelines: [sums], folder })
    await writeFile(go, '')
    await bench.pipelines.begin()
    expect(await finished(id)).toMatchObject({ state: 'succeeded', steps: [{ attempts: 2 }] })
  })

  test('[CLI-56] `shoal steps run` takes artifacts by id or as what a step of a run made, and parameters', async () => {
    const ran = await shoal('steps', 'run', 'add', `a=${first.id}:three.out`, `b=${artifact('more')}`, 'plus=10', '--follow', '--json')
    expect(ran).toMatchObject({ code: 0 })
    expect((JSON.parse(ran.out) as RunDetail).steps[0]?.outputs['out']?.properties).toEqual({ sum: 16 })
    expect(await shoal('steps', 'run', 'add', `a=${first.id}:three.nothing`)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/step three made out/),
    })
    expect(await shoal('steps', 'run', 'add', 'a')).toMatchObject({ code: 2 })
    const listed = await shoal('steps', 'list')
    expect(listed.out).toMatch(/prepare\t2\tdata:data\ttrain:split validation:split test:split transforms:transforms\tform label/)
    expect(listed.out).toMatch(/add\t1\ta:metrics b:metrics\?\tout:metrics\tplus/)
  })
})
