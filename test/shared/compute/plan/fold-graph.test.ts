import * as layers from '@tensorflow/tfjs-layers'
import type { SymbolicTensor } from '@tensorflow/tfjs-layers'
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { loadRuntime } from '../../../../shared/compute/load-runtime.ts'
import { buildModel, getWeights, type Topology } from '../../../../shared/compute/model.ts'
import { foldGraph } from '../../../../shared/compute/plan/fold-graph.ts'
import { graphOf } from '../../../../shared/compute/plan/graph.ts'
import { loadPlanRuntime } from '../../../../shared/compute/plan-runtime.ts'
import { buildSeededModel } from '../../../../shared/compute/seeded-model.ts'
import { must } from '../../../../shared/core/assert.ts'
import { seededRandom } from '../../../../shared/core/random.ts'
import { unwrap } from '../../../../shared/core/result.ts'
import { sizeOf, type TensorData } from '../../../../shared/tensor/tensor.ts'
import { start } from '../node-backend.ts'
import { relativeError } from './reference-gradients.ts'

beforeAll(() => start('cpu'))

const l = layers.layers
type Block = {
  readonly product: 'conv' | 'depthwise' | 'separable'
  readonly bias: boolean
  readonly own: 'linear' | 'relu' | 'relu6'
  readonly scale: boolean
  readonly center: boolean
  readonly behind: 'nothing' | 'relu' | 'relu6' | 'five' | 'activation'
  /** What the normalisation reads is read by another layer too. */
  readonly shared: boolean
}

function topologyOf(blocks: readonly Block[]): Topology {
  const input = layers.input({ shape: [6, 7, 3] })
  let x: SymbolicTensor = input
  const next = (layer: { apply(x: SymbolicTensor): unknown }) => layer.apply(x) as SymbolicTensor
  for (const { product, bias, own, scale, center, behind, shared } of blocks) {
    const options = { kernelSize: 3, padding: 'same', useBias: bias, activation: own } as const
    if (product === 'conv') x = next(l.conv2d({ filters: 5, ...options }))
    else if (product === 'depthwise') x = next(l.depthwiseConv2d(options))
    else x = next(l.separableConv2d({ filters: 6, ...options }))
    const before = x
    x = next(l.batchNormalization({ scale, center }))
    if (behind === 'relu' || behind === 'relu6' || behind === 'five')
      x = next(l.reLU(behind === 'relu' ? {} : { maxValue: behind === 'five' ? 5 : 6 }))
    else if (behind === 'activation') x = next(l.activation({ activation: 'relu6' }))
    if (shared) x = l.add().apply([x, before]) as SymbolicTensor
  }
  x = next(l.flatten())
  x = next(l.dense({ units: 4 }))
  const model = layers.model({ inputs: input, outputs: next(l.batchNormalization({})) })
  const topology = model.toJSON(null, false) as unknown as Topology
  model.dispose()
  return topology
}

/** Weights large enough to reach the bound of a ReLU6, averages as training leaves them. */
async function weightsOf(topology: Topology, seed: number): Promise<Record<string, TensorData>> {
  const model = await buildSeededModel(topology, seed)
  const weights = await getWeights(model)
  model.dispose()
  const random = seededRandom(seed)
  return Object.fromEntries(
    Object.entries(weights).map(([name, tensor]) => {
      const [low, high] = name.endsWith('variance') ? [0.01, 2] : [-2, 2]
      return [
        name,
        { ...tensor, data: Float32Array.from({ length: sizeOf(tensor.shape) }, () => random.uniform() * (high - low) + low) } as TensorData,
      ]
    }),
  )
}

const block: fc.Arbitrary<Block> = fc.record({
  product: fc.constantFrom('conv', 'depthwise', 'separable'),
  bias: fc.boolean(),
  own: fc.constantFrom('linear', 'linear', 'relu', 'relu6'),
  scale: fc.boolean(),
  center: fc.boolean(),
  behind: fc.constantFrom('nothing', 'relu', 'relu6', 'five', 'activation'),
  shared: fc.boolean(),
})

test('[CMP-109] answers of networks with normalisations and bounded activations are those of the CPU backend', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(block, { minLength: 1, maxLength: 3 }), fc.integer({ min: 1, max: 1e6 }), async (blocks, seed) => {
      const topology = topologyOf(blocks)
      const tensors = await weightsOf(topology, seed)
      const random = seededRandom(seed + 1)
      const input = { dtype: 'float32', shape: [2, 6, 7, 3], data: Float32Array.from({ length: 252 }, () => random.uniform()) } as const
      const [plan, reference] = [await loadPlanRuntime({ topology, tensors }), await loadRuntime({ topology, tensors }, 'cpu')]
      const [[got], [want]] = [await plan.predict([input]), await reference.predict([input])]
      plan.dispose()
      reference.dispose()
      expect(relativeError(must(got, 'an answer').data as Float32Array, must(want, 'an answer').data as Float32Array)).toBeLessThan(1e-5)
    }),
    { numRuns: 40 },
  )
})

const plain: Block = { product: 'conv', bias: false, own: 'linear', scale: true, center: true, behind: 'relu6', shared: false }

async function classesOf(blocks: readonly Block[]): Promise<string[]> {
  const model = await buildModel(topologyOf(blocks))
  const { graph } = foldGraph(unwrap(graphOf(model)))
  model.dispose()
  return graph.nodes.map(({ className }) => className)
}

test('[CMP-109] a layer takes in its normalisation and ReLU, unless another reads it or they are of another kind', async () => {
  const ends = ['Flatten', 'Dense']
  expect(await classesOf([plain])).toEqual(['InputLayer', 'Conv2D', ...ends])
  expect(await classesOf([{ ...plain, product: 'depthwise', behind: 'activation' }])).toEqual(['InputLayer', 'DepthwiseConv2D', ...ends])
  expect(await classesOf([{ ...plain, behind: 'five' }])).toEqual(['InputLayer', 'Conv2D', 'ReLU', ...ends])
  const whole = ['InputLayer', 'Conv2D', 'BatchNormalization', 'ReLU']
  expect(await classesOf([{ ...plain, own: 'relu' }])).toEqual([...whole, ...ends])
  expect(await classesOf([{ ...plain, shared: true }])).toEqual([...whole, 'Add', ...ends])
})

test('[CMP-109] weights are checked by the names of the model, those that are folded away too', async () => {
  const topology = topologyOf([plain])
  const tensors = await weightsOf(topology, 1)
  const name = must(
    Object.keys(tensors).find((each) => each.endsWith('/gamma')),
    'a factor',
  )
  const gamma = must(tensors[name], name)
  const { [name]: _, ...fewer } = tensors
  const nan = { ...gamma, data: gamma.data.map(() => Number.NaN) } as TensorData
  for (const bad of [fewer, { ...tensors, [name]: nan }, { ...tensors, [name]: { ...gamma, shape: [1, 5] } }])
    await expect(loadPlanRuntime({ topology, tensors: bad })).rejects.toMatchObject({ code: 'shape_mismatch', issues: [{ where: name }] })
})
