import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RunDetail } from '../../../shared/contract/pipelines.ts'
import { must } from '../../../shared/core/assert.ts'
import type { RunId, Slug } from '../../../shared/core/ids.ts'
import { definePipeline, type Pipeline, step } from '../../../server/pipeline/pipeline.ts'
import { param } from '../../../server/pipeline/params.ts'
import { createBench, type PipelineBench } from './pipeline-harness.ts'
import { add, changesWorld, constant, draws, throws } from './step-kinds.ts'

const pipelineOf = (name: string, steps: Pipeline['steps']) =>
  definePipeline({ name, description: '', model: 'm', dataset: 'd', params: { value: 1, seed: 3 }, steps })

const value = param('value')
const pure = pipelineOf('pure', {
  one: step(constant, { params: { value } }),
  two: step(add, { inputs: { a: 'one.out' } }),
  out: step(changesWorld, { after: ['two'] }),
  three: step(add, { inputs: { a: 'two.out', b: 'out.out' } }),
})
const impure = pipelineOf('impure', {
  one: step(constant, { params: { value } }),
  chance: step(draws, { inputs: { a: 'one.out' } }),
  after: step(add, { inputs: { a: 'one.out' } }),
})
const broken = pipelineOf('broken', { one: step(constant, { params: { value } }), two: step(throws, { after: ['one'] }) })

const environment: Record<string, string> = { 'code.commit': 'abc', 'code.changed': 'false', 'runtime.node': '24', executor: 'here' }
let bench: PipelineBench
beforeAll(async () => {
  bench = await createBench({ pipelines: [pure, impure, broken], environment })
})
afterAll(() => bench.close())

const ended = async (id: RunId): Promise<RunDetail> => {
  await bench.pipelines.idle()
  return bench.api('runs.get', { params: { run: id } })
}
const run = async (pipeline: string, params: Record<string, number> = {}) =>
  ended((await bench.api('runs.start', { params: { pipeline: pipeline as Slug }, body: { params } })).id)
const replay = async ({ id }: RunDetail) => ended((await bench.api('runs.replay', { params: { run: id } })).id)
const compare = (a: RunDetail, b: RunDetail) => bench.api('runs.compare', { params: { run: a.id, other: b.id } })

describe('replay', () => {
  test('[PIP-108] does every step again with the same parameters and seed, except those that change the world, and the same comes out', async () => {
    const original = await run('pure', { value: 5, seed: 9 })
    const again = await replay(original)
    expect(again).toMatchObject({ state: 'succeeded', replayOf: original.id, params: original.params, seed: 9 })
    expect(again.steps.map(({ name, state }) => [name, state])).toEqual([
      ['one', 'succeeded'],
      ['two', 'succeeded'],
      ['out', 'cached'],
      ['three', 'succeeded'],
    ])
    const outputs = ({ steps }: RunDetail) => steps.map((one) => one.outputs['out']?.digest)
    expect(outputs(again)).toEqual(outputs(original))
    expect(must(again.steps[2], 'the step').outputs['out']?.id).toBe(original.steps[2]?.outputs['out']?.id)
    expect(await compare(original, again)).toMatchObject({ identical: true, parting: null, sameDefinition: true })
  })

  test('[PIP-109] names the step that makes something else each time, and not those after it', async () => {
    const original = await run('impure')
    const comparison = await compare(original, await replay(original))
    expect(comparison).toMatchObject({ identical: false, parting: { step: 'chance', outputs: ['out'] } })
    expect(comparison.parting?.causes).toEqual([expect.stringMatching(/^nothing that is recorded/)])
  })

  test('[PIP-109] names the environment where nothing else differs', async () => {
    const original = await run('impure')
    environment['runtime.node'] = '25'
    environment['executor'] = 'elsewhere'
    const again = await replay(original)
    environment['runtime.node'] = '24'
    expect((await compare(original, again)).parting?.causes).toEqual(['runtime.node differs (24 and 25)'])
  })

  test('[PIP-108] a run that has not ended, or whose pipeline was changed, is not replayed', async () => {
    const original = await run('pure')
    await bench.pipelines.define(pipelineOf('pure', { one: step(constant, { params: { value } }) }))
    await expect(replay(original)).rejects.toMatchObject({ code: 'conflict' })
    await bench.pipelines.define(pure)
    await expect(bench.api('runs.replay', { params: { run: 'run_00000000000000000000' as RunId } })).rejects.toMatchObject({
      code: 'unknown_run',
    })
  })
})

describe('comparison', () => {
  test('[MET-25] shows parameters, metrics and environment side by side, and the first step that parts with its cause', async () => {
    const [a, b] = [await run('pure', { value: 21 }), await run('pure', { value: 22 })]
    const comparison = await compare(a, b)
    expect(comparison.params).toContainEqual({ name: 'value', a: '21', b: '22', same: false })
    expect(comparison.metrics).toContainEqual({ name: 'value', a: '21', b: '22', same: false })
    expect(comparison.environment).toContainEqual({ name: 'code.commit', a: 'abc', b: 'abc', same: true })
    expect(comparison.parting).toEqual({ step: 'one', outputs: ['out'], causes: ['parameter value changed (21 to 22)'] })
    expect(comparison.steps.find(({ name }) => name === 'two')?.differences).toEqual([expect.stringMatching(/^input a changed/)])
    expect(await compare(a, a)).toMatchObject({ identical: true, parting: null })
  })

  test('[MET-25] a step that failed in one run is the cause', async () => {
    const failed = await run('broken')
    const fine = await run('pure')
    expect((await compare(failed, fine)).steps.map(({ name, a, b }) => [name, a?.state, b?.state])).toEqual([
      ['one', 'cached', 'cached'],
      ['two', 'failed', 'cached'],
      ['out', undefined, 'succeeded'],
      ['three', undefined, 'cached'],
    ])
    expect((await compare(failed, fine)).parting).toMatchObject({ step: 'two', causes: ['in the first run it is failed'] })
  })

  test('[MET-26] the record names code, environment, executor, components and inputs, and is searched by them', async () => {
    const detail = await run('pure')
    expect(detail.environment).toMatchObject({ 'code.commit': 'abc', 'runtime.node': '24' })
    expect(detail.steps[1]).toMatchObject({
      componentDigest: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      inputs: { a: { step: 'one' } },
    })
    const { items } = await bench.api('runs.search', {
      query: { filter: "tags.`code.commit` = 'abc' and tags.trigger = 'demand' and attributes.state = 'failed'" },
    })
    expect(items.map((found) => found.run.pipeline)).toEqual(['broken'])
  })
})
