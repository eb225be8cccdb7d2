import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RunDetail } from '../../../shared/contract/pipelines.ts'
import type { ArtifactId } from '../../../shared/core/ids.ts'
import { param } from '../../../server/pipeline/params.ts'
import { definePipeline, step } from '../../../server/pipeline/pipeline.ts'
import { createBench, type PipelineBench } from '../pipeline/pipeline-harness.ts'
import { add, constant } from '../pipeline/step-kinds.ts'

const pipeline = definePipeline({
  name: 'tree',
  description: '',
  model: 'm',
  dataset: 'd',
  params: { plus: 0 },
  steps: {
    left: step(constant, { params: { value: 1 } }),
    right: step(constant, { params: { value: 2 } }),
    sum: step(add, { inputs: { a: 'left.out', b: 'right.out' } }),
    more: step(add, { inputs: { a: 'sum.out' }, params: { plus: param('plus') } }),
  },
})

let bench: PipelineBench
let first: RunDetail
let second: RunDetail
beforeAll(async () => {
  bench = await createBench({ pipelines: [pipeline] })
  const run = async (plus: number) => {
    const { id } = await bench.pipelines.startRun('tree', { params: { plus }, reason: 'test', by: 'tests' })
    await bench.pipelines.idle()
    return bench.pipelines.run(id)
  }
  first = await run(1)
  second = await run(2)
})
afterAll(() => bench.close())

const out = (run: RunDetail, name: string): ArtifactId => run.steps.find((one) => one.name === name)?.outputs['out']?.id as ArtifactId
const lineage = (artifact: ArtifactId, direction: 'up' | 'down') =>
  bench.api('artifacts.lineage', { params: { artifact }, query: { direction } })

describe('lineage', () => {
  test('[MET-8] leads up to everything that an artifact was made from', async () => {
    const up = await lineage(out(first, 'more'), 'up')
    expect(new Set(up.artifacts.map(({ id }) => id))).toEqual(
      new Set([out(first, 'more'), out(first, 'sum'), out(first, 'left'), out(first, 'right')]),
    )
    expect(new Set(up.executions.filter(({ run }) => run === first.id).map(({ step: name }) => name))).toEqual(
      new Set(['left', 'right', 'sum', 'more']),
    )
    expect(up.events).toContainEqual({
      artifact: out(first, 'right'),
      execution: up.executions.find((one) => one.step === 'sum' && one.run === first.id)?.id,
      type: 'input',
      path: 'b',
    })
  })

  test('[MET-9] leads down to everything that was made from an artifact, in later runs too', async () => {
    const down = await lineage(out(first, 'left'), 'down')
    expect(new Set(down.artifacts.map(({ id }) => id))).toEqual(
      new Set([out(first, 'left'), out(first, 'sum'), out(first, 'more'), out(second, 'more')]),
    )
    const unrelated = await lineage(out(second, 'more'), 'down')
    expect(unrelated.artifacts.map(({ id }) => id)).toEqual([out(second, 'more')])
  })

  test('[MET-10] a step taken from the cache gives out the very artifact that was made before, whose maker stays the same', async () => {
    expect(second.steps.map((one) => one.state)).toEqual(['cached', 'cached', 'cached', 'succeeded'])
    expect(out(second, 'sum')).toBe(out(first, 'sum'))
    expect(await bench.api('artifacts.get', { params: { artifact: out(second, 'sum') } })).toMatchObject({
      type: 'metrics',
      run: first.id,
      step: 'sum',
    })
  })

  test('[MET-11] what an artifact holds can be read, and asking for one that is not there is a coded failure', async () => {
    const response = await bench.api('artifacts.content', { params: { artifact: out(first, 'sum') } })
    expect(await response.json()).toEqual({ value: 3, seed: 1 })
    const none = 'art_00000000000000000000' as ArtifactId
    await expect(bench.api('artifacts.get', { params: { artifact: none } })).rejects.toMatchObject({ code: 'not_found' })
    await expect(lineage(none, 'up')).rejects.toMatchObject({ code: 'not_found' })
  })
})
