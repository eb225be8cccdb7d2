import * as core from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { beforeAll, expect, test } from 'vitest'
import { KERNEL_BUILDS } from '../../../shared/compute/kernels/load-kernels.ts'
import { must } from '../../../shared/core/assert.ts'
import { unwrap } from '../../../shared/core/result.ts'
import { LAYER_CASES } from './layer-cases.ts'
import {
  type Gradients,
  gradientDistance,
  planGradients,
  tfjsGradients,
  TRIAL_BATCH,
  trialData,
  trialPlan,
  trialTopology,
} from './layer-trial.ts'
import { start } from './node-backend.ts'

const LIMIT = 1e-5

beforeAll(async () => {
  await start('cpu')
  await start('wasm')
})

test('[CMP-40] the table holds every layer class that tfjs-layers can load', () => {
  const registered = Object.entries(core.serialization.SerializationMap.getMap().classNameMap)
  const isLayer = (made: unknown): boolean => {
    for (let at = made; typeof at === 'function'; at = Object.getPrototypeOf(at)) if (at === layers.layers.Layer) return true
    return false
  }
  // models are what the layers stand in
  const models = ['Model', 'Functional', 'Sequential']
  const names = registered.filter(([name, [made]]) => isLayer(made) && !models.includes(name)).map(([name]) => name)
  expect(names.length).toBeGreaterThan(60)
  expect(Object.keys(LAYER_CASES).sort()).toEqual(names.sort())
})

const cases = Object.entries(LAYER_CASES).flatMap(([type, list]) =>
  list.map((each) => ({ type, about: each.about ?? '', path: each.fallback === undefined ? 'a plan' : 'tfjs', each })),
)

test.each(cases)('[CMP-40] $type $about trains by $path, with the gradients of the CPU backend', async ({ each }) => {
  const [topology, data] = [trialTopology(each), trialData(each)]
  const cpu = await tfjsGradients(topology, data, 'cpu')
  expect(Object.keys(cpu.byWeight).length).toBeGreaterThan(0)
  const same = (got: Gradients, by: string) => {
    const { distance, where } = gradientDistance(got, cpu)
    expect(distance, `${where} by ${by}`).toBeLessThan(LIMIT)
  }
  same(await tfjsGradients(topology, data, 'wasm'), 'tfjs')
  for (const build of KERNEL_BUILDS) {
    const plan = await planGradients(topology, data, build)
    if (each.fallback !== undefined)
      expect(plan).toMatchObject({ ok: false, error: { code: 'unsupported_op', detail: expect.stringContaining(each.fallback) } })
    else if (each.random !== true) same(unwrap(plan), build)
    else expect(Object.keys(unwrap(plan).byWeight).sort()).toEqual(Object.keys(cpu.byWeight).sort())
  }
})

const random = cases.filter(({ each }) => each.random === true)

test.each(random)(
  '[CMP-42] $type: what a plan drops is drawn anew with each key, and the gradient is that of what was kept',
  async ({ each }) => {
    const plan = await trialPlan(trialTopology(each), trialData(each))
    const loss = (key: number): number => {
      plan.differentiate(TRIAL_BATCH, { key })
      return plan.losses.data.subarray(0, TRIAL_BATCH).reduce((a, b) => a + b, 0) / TRIAL_BATCH
    }
    expect(loss(1)).not.toBe(loss(2))
    expect(loss(1)).toBe(loss(1))
    const { weights, gradients } = plan.flat
    const [start, slope] = [weights.slice(), gradients.slice()]
    const length = Math.hypot(...slope)
    const along = (step: number): number => {
      for (const [i, value] of start.entries()) weights[i] = value + (step * must(slope[i], 'a slope')) / length
      return loss(1)
    }
    // along its own direction a gradient rises by its length
    expect((along(0.01) - along(-0.01)) / 0.02 / length).toBeCloseTo(1, 2)
  },
)
