import { describe, expect, test } from 'vitest'
import { componentDigest } from '../../../server/pipeline/component-digest.ts'
import { choice, param } from '../../../server/pipeline/params.ts'
import {
  checkPipeline,
  definePipeline,
  type Pipeline,
  pipelineDigest,
  step,
  stepParams,
  topologicalOrder,
} from '../../../server/pipeline/pipeline.ts'
import { digits } from '../../../server/pipelines/digits.ts'
import { add, constant, refuses } from './step-kinds.ts'

const base = { name: 'sums', description: '', model: 'm', dataset: 'd' }

const issuesOf = (steps: Pipeline['steps'], rest: Partial<Pipeline> = {}) => {
  const checked = checkPipeline({ ...base, params: {}, triggers: {}, rollout: null, steps, ...rest })
  return checked.ok ? [] : [checked.error.code, ...checked.error.issues.map(({ where, what }) => `${where} ${what}`)]
}

const one = step(constant, { params: { value: 1 } })

describe('wiring', () => {
  test('[PIP-5] accepts a pipeline whose wires, types and parameters fit', () => {
    expect(issuesOf({ one, sum: step(add, { inputs: { a: 'one.out', b: 'one.out' } }) })).toEqual([])
    expect(topologicalOrder(digits).at(-1)).toBe('release')
  })

  test.each([
    ['an unknown step', { sum: step(add, { inputs: { a: 'two.out' } }) }, 'steps.sum.inputs.a comes from step two, which does not exist'],
    [
      'an unknown output',
      { one, sum: step(add, { inputs: { a: 'one.sum' } }) },
      'steps.sum.inputs.a step one has no output sum; it has out',
    ],
    [
      'a missing input',
      { one, sum: step(add, { inputs: {} as never }) },
      'steps.sum.inputs.a is missing: add needs an artifact of type metrics',
    ],
    [
      'an input that the component does not have',
      { one, sum: step(add, { inputs: { a: 'one.out', c: 'one.out' } as never }) },
      'steps.sum.inputs.c add has no such input; it has a, b',
    ],
    [
      'an artifact of another type',
      { one, no: step(refuses, { inputs: { a: 'one.out' } }), sum: step(add, { inputs: { a: 'no.blessing' } }) },
      'steps.sum.inputs.a takes type metrics, but no.blessing is of type blessing',
    ],
    [
      'a circle',
      { a: step(add, { inputs: { a: 'b.out' } }), b: step(add, { inputs: { a: 'a.out' } }) },
      'steps.a waits for itself through a, b',
    ],
    [
      'a circle through after',
      { one: { ...one, after: ['sum'] }, sum: step(add, { inputs: { a: 'one.out' } }) },
      'steps.one waits for itself through one, sum',
    ],
    ['an unknown step in after', { one: { ...one, after: ['two'] } }, 'steps.one.after step two does not exist'],
    [
      'a parameter of another type',
      { one: step(constant, { params: { value: 'many' } }) },
      'steps.one.params.value Invalid input: expected number, received string',
    ],
    [
      'a parameter that does not exist',
      { one: step(constant, { params: { value: param('v') } }) },
      'steps.one.params.value the pipeline has no parameter v',
    ],
    [
      'names that do things in JavaScript',
      { one, sum: step(add, { inputs: { a: '__proto__.out' } }) },
      'steps.sum.inputs.a comes from step __proto__, which does not exist',
    ],
  ])('[PIP-6] refuses %s before anything runs, naming step and input', (_what, steps, expected) => {
    expect(issuesOf(steps)).toEqual(['invalid_pipeline', expected])
    expect(() => definePipeline({ ...base, steps })).toThrow(expected.split(' ')[0])
  })

  test('[PIP-7] fills in parameters of the run, choices among them', () => {
    const pipeline = definePipeline({
      ...base,
      params: { v: 3, big: false },
      steps: { one: step(constant, { params: { value: choice('big', { true: 100, false: param('v') }) } }) },
    })
    expect(stepParams(pipeline, 'one', { v: 3, big: false })).toEqual({ value: 3 })
    expect(stepParams(pipeline, 'one', { v: 3, big: true })).toEqual({ value: 100 })
    expect(() => stepParams(pipeline, 'one', { v: 3, big: 'perhaps' })).toThrow('expected one of true, false')
  })

  test('[PIP-8] names a definition by its content: equal definitions are equal, any change is another one', async () => {
    const make = (value: number) => definePipeline({ ...base, steps: { one: step(constant, { params: { value } }) } })
    expect(await pipelineDigest(make(1))).toBe(await pipelineDigest(make(1)))
    expect(await pipelineDigest(make(1))).not.toBe(await pipelineDigest(make(2)))
  })

  test('[PIP-9] names a component by its code: name, version and the source of its module and of what that imports', async () => {
    const digest = await componentDigest(constant)
    expect(await componentDigest({ ...constant })).toBe(digest)
    expect(await componentDigest({ ...constant, version: '2' })).not.toBe(digest)
    expect(await componentDigest({ ...constant, module: new URL('./pipeline-harness.ts', import.meta.url).href })).not.toBe(digest)
  })
})
