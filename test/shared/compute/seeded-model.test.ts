import { beforeAll, expect, test } from 'vitest'
import type { JsonObject } from '../../../shared/core/json.ts'
import { cnn } from '../../../shared/compute/architectures.ts'
import { memoryInUse } from '../../../shared/compute/backends.ts'
import { getWeights, type Topology } from '../../../shared/compute/model.ts'
import { buildSeededModel } from '../../../shared/compute/seeded-model.ts'
import { start } from './node-backend.ts'

beforeAll(() => start('cpu'))

const layer = (class_name: string, config: JsonObject): JsonObject => ({ class_name, config })
const sequential = (...layers: JsonObject[]): Topology => ({ class_name: 'Sequential', config: { name: 'bare', layers } })

async function weightsOf(topology: Topology, seed: number) {
  const model = await buildSeededModel(topology, seed)
  const weights = await getWeights(model)
  model.dispose()
  return weights
}

test.each<[string, Topology]>([
  ['initializers with open seeds', cnn({ inputShape: [8, 8, 1], classes: 3, blocks: [{ filters: 2, kernel: 3 }], hidden: [4] })],
  [
    'no initializers',
    sequential(
      layer('Conv2D', { name: 'conv', filters: 2, kernel_size: 3, batch_input_shape: [null, 6, 6, 1], dtype: 'float32' }),
      layer('BatchNormalization', { name: 'normal' }),
      layer('Flatten', { name: 'flat' }),
      layer('Dropout', { name: 'drop', rate: 0.5 }),
      layer('Dense', { name: 'output', units: 3, activation: 'softmax' }),
    ),
  ],
  [
    'initializers without seeds',
    sequential(
      layer('Dense', {
        name: 'first',
        units: 5,
        batch_input_shape: [null, 4],
        dtype: 'float32',
        kernel_initializer: { class_name: 'RandomUniform', config: { minval: -1, maxval: 1 } },
      }),
      layer('Dense', { name: 'output', units: 2, kernel_initializer: { class_name: 'HeNormal', config: {} } }),
    ),
  ],
  [
    'layers in layers',
    sequential(
      layer('Embedding', { name: 'words', input_dim: 7, output_dim: 4, batch_input_shape: [null, 5], dtype: 'int32' }),
      layer('Bidirectional', {
        name: 'both',
        merge_mode: 'concat',
        layer: { class_name: 'LSTM', config: { name: 'memory', units: 3 } },
      }),
      layer('Dense', { name: 'output', units: 2 }),
    ),
  ],
])('[CMP-6] initial weights follow from the seed, whatever a topology leaves open: %s', async (_, topology) => {
  const before = memoryInUse().tensors
  const first = await weightsOf(topology, 5)
  expect(await weightsOf(topology, 5)).toEqual(first)
  expect(await weightsOf(topology, 6)).not.toEqual(first)
  // names are those of the topology
  expect(Object.keys(first)).toContain('output/kernel')
  expect(memoryInUse().tensors).toBe(before)
})
