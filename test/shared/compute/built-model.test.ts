import { beforeAll, expect, test } from 'vitest'
import { cnn } from '../../../shared/compute/architectures.ts'
import { buildModel, getWeights, type Topology } from '../../../shared/compute/model.ts'
import { recurrent } from '../../../shared/compute/recurrent.ts'
import { start } from './node-backend.ts'

beforeAll(() => start('cpu'))

const convolutions = cnn({ inputShape: [8, 8, 1], classes: 3, blocks: [{ filters: 2, kernel: 3 }], hidden: [4] })
const gates = recurrent({ length: 5, vocabulary: 7, embedding: 3, units: 2, cell: 'lstm', classes: 2 })
/** The dense layer within another one. */
const nested: Topology = {
  class_name: 'Sequential',
  config: {
    name: 'nested',
    layers: [
      {
        class_name: 'TimeDistributed',
        config: {
          name: 'each',
          batch_input_shape: [null, 3, 4],
          dtype: 'float32',
          layer: {
            class_name: 'Dense',
            config: { name: 'inner', units: 2, kernel_initializer: { class_name: 'GlorotNormal', config: { seed: null } } },
          },
        },
      },
    ],
  },
}

test.each<[string, Topology]>([
  ['convolutions', convolutions],
  ['gates', gates],
  ['a layer within a layer', nested],
])('[CMP-113] %s: no weight is drawn where others follow, and the topology stays as it was', async (_, topology) => {
  const before = structuredClone(topology)
  const [drawn, blank] = [await buildModel(topology), await buildModel(topology, { weights: 'follow' })]
  const values = async (model: typeof drawn) => Object.values(await getWeights(model)).flatMap(({ data }) => [...data])
  expect((await values(drawn)).some((value) => value !== 0)).toBe(true)
  expect((await values(blank)).every((value) => value === 0)).toBe(true)
  expect(Object.keys(await getWeights(blank)).length).toBe(Object.keys(await getWeights(drawn)).length)
  expect(topology).toEqual(before)
  drawn.dispose()
  blank.dispose()
})
