import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RunDetail } from '../../../shared/contract/pipelines.ts'
import type { Sha256 } from '../../../shared/core/digest.ts'
import { param } from '../../../server/pipeline/params.ts'
import { definePipeline, type Pipeline, step } from '../../../server/pipeline/pipeline.ts'
import { createBench, type PipelineBench } from './pipeline-harness.ts'
import {
  add,
  asksApi,
  changesWorld,
  constant,
  exits,
  falls,
  forgets,
  hangs,
  leaksBuffers,
  leaksHeap,
  overflows,
  refuses,
  throws,
  waits,
} from './step-kinds.ts'

const base = { description: '', model: 'm', dataset: 'd' }
const one = step(constant, { params: { value: 1 } })

const sums = definePipeline({
  ...base,
  name: 'sums',
  params: { value: 2, seed: 1 },
  steps: {
    first: step(constant, { params: { value: param('value') } }),
    second: step(constant, { params: { value: 40 } }),
    sum: step(add, { inputs: { a: 'first.out', b: 'second.out' } }),
  },
})
const broken = (name: string, component: Parameters<typeof step>[0]): Pipeline =>
  definePipeline({
    ...base,
    name,
    steps: { one, bad: { ...step(component as typeof throws, {}), after: ['one'] }, after: step(add, { inputs: { a: 'bad.out' } }) },
  })

const failing: Record<string, [Parameters<typeof step>[0], string, RegExp]> = {
  throws: [throws, 'internal', /this step is broken/],
  hangs: [hangs, 'step_timeout', /longer than its limit of 700 ms/],
  waits: [waits, 'step_timeout', /longer than its limit of 700 ms/],
  exits: [exits, 'step_crashed', /ended with code 7/],
  overflows: [overflows, 'step_crashed', /160 MB/],
  falls: [falls, 'step_crashed', /ended by SIGSEGV/],
  'leaks-heap': [leaksHeap, 'step_crashed', /memory/],
  'leaks-buffers': [leaksBuffers, 'step_crashed', /MB of memory, its limit is 96 MB/],
  forgets: [forgets, 'step_failed', /without its output out/],
}

let bench: PipelineBench
beforeAll(async () => {
  const gate = definePipeline({
    ...base,
    name: 'gate',
    steps: { one, gate: step(refuses, { inputs: { a: 'one.out' } }), after: step(add, { inputs: { a: 'one.out' }, after: ['gate'] }) },
  })
  const bridge = definePipeline({ ...base, name: 'bridge', steps: { ask: step(asksApi, { params: { model: 'made-by-a-step' } }) } })
  const world = definePipeline({ ...base, name: 'world', steps: { change: step(changesWorld, {}) } })
  bench = await createBench({
    pipelines: [sums, gate, bridge, world, ...Object.entries(failing).map(([name, [component]]) => broken(name, component))],
  })
})
afterAll(() => bench.close())

async function run(name: string, params = {}): Promise<RunDetail> {
  const { id } = await bench.pipelines.startRun(name, { params, reason: 'test', by: 'tests' })
  await bench.pipelines.idle()
  return bench.pipelines.run(id)
}

const states = (detail: RunDetail) => Object.fromEntries(detail.steps.map((one) => [one.name, one.state]))
const stepOf = (detail: RunDetail, name: string) => {
  const found = detail.steps.find((one) => one.name === name)
  if (found === undefined) throw new Error(`no step ${name}`)
  return found
}

describe('a run', () => {
  test('[PIP-12] does its steps and records inputs, outputs, parameters, times and logs of each', async () => {
    const detail = await run('sums')
    expect(detail).toMatchObject({
      state: 'succeeded',
      trigger: { kind: 'demand', by: 'tests' },
      params: { value: 2, seed: 1 },
      error: null,
    })
    expect(stepOf(detail, 'sum')).toMatchObject({
      attempts: 1,
      params: { plus: 0 },
      after: ['first', 'second'],
      outputs: { out: { type: 'metrics', properties: { sum: 42 }, run: detail.id, step: 'sum' } },
    })
    expect(detail.metrics).toMatchObject({ sum: 42 })
    const { items } = await bench.pipelines.logs(detail.id, { limit: 100, step: 'sum' })
    expect(items.map((line) => line.message)).toContain('adding 2 and 40')
  })

  test('[PIP-13] takes a step from the cache when nothing has changed, and says what has when it does it again', async () => {
    await run('sums', { value: 5 })
    const again = await run('sums', { value: 5 })
    expect(states(again)).toEqual({ first: 'cached', second: 'cached', sum: 'cached' })
    expect(stepOf(again, 'sum').cache?.why).toMatch(/^same component, inputs, parameters and seed as in run_/)
    const other = await run('sums', { value: 6 })
    expect(states(other)).toEqual({ first: 'succeeded', second: 'cached', sum: 'succeeded' })
    expect(stepOf(other, 'first').cache?.why).toMatch(/parameter value changed \(\d+ to \d+\)$/)
    expect(stepOf(other, 'sum').cache?.why).toMatch(/input a changed/)
    const seeded = await run('sums', { value: 6, seed: 2 })
    expect(stepOf(seeded, 'second').cache?.why).toMatch(/the seed changed \(1 to 2\)/)
  })

  test('[PIP-14] never takes a result whose bytes are gone from the cache', async () => {
    const first = await run('sums', { value: 7 })
    const digest = stepOf(first, 'sum').outputs['out']?.digest as Sha256
    await rm(bench.blobs.path(digest))
    const again = await run('sums', { value: 7 })
    expect(states(again)).toEqual({ first: 'cached', second: 'cached', sum: 'succeeded' })
    expect(stepOf(again, 'sum').cache?.why).toMatch(/but output out no longer exists/)
    expect(await bench.blobs.has(digest)).toBe(true)
  })

  test('[PIP-15] does a step that changes the world each time', async () => {
    await run('world')
    const again = await run('world')
    expect(stepOf(again, 'change')).toMatchObject({ state: 'succeeded', cache: { hit: false, why: expect.stringMatching(/always done/) } })
  })

  test.each(Object.keys(failing))(
    '[PIP-16] a step that %s fails alone: coded, later steps skipped, the team told, the server well',
    async (name) => {
      const [, code, what] = failing[name] as (typeof failing)[string]
      const detail = await run(name)
      expect(detail).toMatchObject({ state: 'failed', error: { code, step: 'bad', detail: expect.stringMatching(what) } })
      expect(states(detail)).toEqual({ one: expect.stringMatching(/succeeded|cached/), bad: 'failed', after: 'skipped' })
      expect(bench.alerts.at(-1)).toMatchObject({ kind: 'run-failed', subject: name, evidence: { run: detail.id, step: 'bad', code } })
      expect(await bench.api('models.list')).toBeDefined()
      expect(bench.errors).toEqual([])
    },
  )

  test('[PIP-17] stops where a gate refuses, keeps the evidence and tells the team', async () => {
    const detail = await run('gate')
    expect(detail).toMatchObject({ state: 'stopped', error: { code: 'not_blessed', detail: 'worse than what is live', step: 'gate' } })
    expect(states(detail)).toMatchObject({ gate: 'stopped', after: 'skipped' })
    expect(stepOf(detail, 'gate').outputs['blessing']).toMatchObject({ type: 'blessing' })
    expect(bench.alerts.at(-1)).toMatchObject({ kind: 'refused', severity: 'warning', subject: 'gate' })
  })

  test('[PIP-18] a step calls the API without a socket or a key, gets its coded failures, and a retried request has one effect', async () => {
    const detail = await run('bridge')
    expect(detail.error).toBeNull()
    const out = stepOf(detail, 'ask').outputs['out']
    const content = await bench.api('artifacts.content', { params: { artifact: out?.id as never } })
    expect(await content.json()).toEqual({
      names: ['made-by-a-step', 'made-by-a-step'],
      bytes: [1, 2, 3],
      failed: 'unknown_model',
    })
  })

  test('[PIP-19] goes on after a failure without doing finished steps again', async () => {
    const failed = await run('exits')
    const resumed = await bench.pipelines.resume(failed.id)
    expect(resumed.state).toMatch(/queued|running/)
    await bench.pipelines.idle()
    const detail = await bench.pipelines.run(failed.id)
    expect(stepOf(detail, 'one').attempts).toBe(1)
    expect(stepOf(detail, 'bad').attempts).toBe(2)
    await expect(bench.pipelines.resume((await run('sums')).id)).rejects.toMatchObject({ code: 'conflict' })
  })

  test('[PIP-23] refuses unknown pipelines, runs and parameters', async () => {
    await expect(bench.api('runs.start', { params: { pipeline: 'none' as never }, body: {} })).rejects.toMatchObject({
      code: 'unknown_pipeline',
    })
    await expect(bench.api('runs.get', { params: { run: 'run_00000000000000000000' as never } })).rejects.toMatchObject({
      code: 'unknown_run',
    })
    await expect(bench.api('runs.start', { params: { pipeline: 'sums' as never }, body: { params: { valeu: 3 } } })).rejects.toMatchObject({
      code: 'invalid_input',
    })
    await expect(
      bench.api('runs.start', { params: { pipeline: 'sums' as never }, body: { params: { value: 'three' } } }),
    ).rejects.toMatchObject({ code: 'invalid_input' })
  })
})
