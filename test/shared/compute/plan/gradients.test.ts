import { beforeAll, describe, expect, test } from 'vitest'
import { cnn, mlp } from '../../../../shared/compute/architectures.ts'
import { KERNEL_BUILDS } from '../../../../shared/compute/kernels/load-kernels.ts'
import { trainingTopology } from '../../../../shared/compute/loss.ts'
import { buildSeededModel } from '../../../../shared/compute/seeded-model.ts'
import { seededRandom } from '../../../../shared/core/random.ts'
import { start } from '../node-backend.ts'
import { drawBatch, planOf, worstGradient } from './reference-gradients.ts'

beforeAll(() => start('cpu'))

const topologies = {
  'dense layers of odd sizes': mlp({ inputShape: [7], classes: 5, hidden: [13, 9] }),
  'padded and plain convolutions with pooling': cnn({
    inputShape: [9, 8, 3],
    classes: 5,
    blocks: [
      { filters: 5, kernel: 3, pool: 2 },
      { filters: 9, kernel: 2, padding: 'same' },
    ],
    hidden: [6],
  }),
  'convolutions with strides': cnn({
    inputShape: [11, 10, 2],
    classes: 3,
    blocks: [
      { filters: 5, kernel: 3, stride: 2, padding: 'same' },
      { filters: 4, kernel: 3, stride: 2 },
      { filters: 6, kernel: 1, stride: 2 },
    ],
  }),
  'strides wider than the kernel, one answer': cnn({
    inputShape: [11, 10, 2],
    classes: 1,
    blocks: [
      { filters: 5, kernel: 1, stride: 2, padding: 'same' },
      { filters: 4, kernel: 1, stride: 3 },
    ],
  }),
}

describe.each(KERNEL_BUILDS)('[CMP-20] with %s kernels', (build) => {
  test.each(Object.entries(topologies))('%s: loss and gradients are those of the CPU backend', async (_, whole) => {
    const { topology, loss } = trainingTopology(whole)
    const model = await buildSeededModel(topology, 3)
    const plan = await planOf(model, 7, { loss, optimizer: { kind: 'sgd' } }, build)
    for (const images of [7, 3]) {
      const { error, name } = await worstGradient(model, plan, loss, drawBatch(model, loss, images, seededRandom(images)))
      expect(error, `gradient of ${name} for ${images} examples`).toBeLessThan(1e-5)
    }
    model.dispose()
  })

  test.each([
    ['filters of 3 x 3', 3],
    ['filters of 5 x 5', 5],
  ])('[CMP-123] convolutions by tiles, %s: loss and gradients are those of the CPU backend', async (_, kernel) => {
    const tiled = cnn({
      inputShape: [9, 6, 8],
      classes: 4,
      blocks: [
        { filters: 16, kernel, padding: 'same' },
        { filters: 8, kernel },
      ],
    })
    const { topology, loss } = trainingTopology(tiled)
    const model = await buildSeededModel(topology, 3)
    const plan = await planOf(model, 5, { loss, optimizer: { kind: 'sgd' } }, build, { tiled: true })
    for (const images of [5, 1]) {
      const { error, name } = await worstGradient(model, plan, loss, drawBatch(model, loss, images, seededRandom(images)))
      expect(error, `gradient of ${name} for ${images} examples`).toBeLessThan(1e-5)
    }
    model.dispose()
  })

  test('frozen layers let gradients through, and get none', async () => {
    const { topology, loss } = trainingTopology(topologies['padded and plain convolutions with pooling'])
    const model = await buildSeededModel(topology, 3)
    for (const [at, frozen] of [
      [0, ['conv_1/kernel', 'conv_1/bias']],
      [2, ['conv_2/kernel', 'conv_2/bias']],
    ] as const) {
      for (const [i, layer] of model.layers.entries()) layer.trainable = i !== at
      const plan = await planOf(model, 4, { loss, optimizer: { kind: 'sgd' } }, build)
      for (const name of frozen) expect(plan.gradients.has(name)).toBe(false)
      expect((await worstGradient(model, plan, loss, drawBatch(model, loss, 4, seededRandom(at)))).error).toBeLessThan(1e-5)
    }
    model.dispose()
  })
})
