import * as core from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { beforeAll, expect, test } from 'vitest'
import { LAYER_CASES } from './layer-cases.ts'
import { gradientDistance, tfjsGradients, trialData, trialTopology } from './layer-trial.ts'
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

test.each(Object.entries(LAYER_CASES).flatMap(([type, cases]) => cases.map((each) => ({ type, about: each.about ?? '', each }))))(
  '[CMP-40] $type $about trains alike on WASM and CPU',
  async ({ each }) => {
    const [topology, data] = [trialTopology(each), trialData(each)]
    const [wasm, cpu] = [await tfjsGradients(topology, data, 'wasm'), await tfjsGradients(topology, data, 'cpu')]
    expect(Object.keys(cpu.byWeight).length).toBeGreaterThan(0)
    const { distance, where } = gradientDistance(wasm, cpu)
    expect(distance, where).toBeLessThan(LIMIT)
  },
)
