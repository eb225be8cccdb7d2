import { beforeAll, expect, test } from 'vitest'
import fc from 'fast-check'
import { KERNEL_BUILDS } from '../../../../shared/compute/kernels/load-kernels.ts'
import { cnn, type ConvBlock } from '../../../../shared/compute/architectures.ts'
import { trainingTopology } from '../../../../shared/compute/loss.ts'
import { buildSeededModel } from '../../../../shared/compute/seeded-model.ts'
import { must } from '../../../../shared/core/assert.ts'
import { seededRandom } from '../../../../shared/core/random.ts'
import { start } from '../node-backend.ts'
import { drawBatch, planOf, relativeError, wholeGradientError, writeBatch } from './reference-gradients.ts'
import { trainedByPlan } from './trained-by-plan.ts'

beforeAll(() => start('cpu'))

const block: fc.Arbitrary<ConvBlock> = fc.record(
  {
    filters: fc.integer({ min: 1, max: 11 }),
    kernel: fc.integer({ min: 1, max: 3 }),
    stride: fc.integer({ min: 1, max: 2 }),
    pool: fc.integer({ min: 2, max: 3 }),
    padding: fc.constantFrom('same', 'valid'),
  },
  { requiredKeys: ['filters', 'kernel'] },
)

test('[CMP-20] random networks of convolutions, pooling and dense layers have the CPU backend’s gradients', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(block, { minLength: 1, maxLength: 3 }),
      fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 2 }),
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 8 }),
      fc.constantFrom(...KERNEL_BUILDS),
      fc.nat(),
      async (blocks, hidden, classes, images, build, seed) => {
        const { topology, loss } = trainingTopology(cnn({ inputShape: [13, 11, 2], classes, blocks, hidden }))
        const model = await buildSeededModel(topology, seed).catch(() => undefined)
        // windows larger than what is left of the image
        if (model === undefined || model.layers.some(({ outputShape }) => outputShape.some((size) => typeof size === 'number' && size < 1)))
          return
        const plan = await planOf(model, images, { loss, optimizer: { kind: 'sgd' } }, build)
        expect(await wholeGradientError(model, plan, loss, drawBatch(model, loss, images, seededRandom(seed)))).toBeLessThan(1e-5)
        model.dispose()
      },
    ),
    { numRuns: 40, examples: [[[{ filters: 1, kernel: 1, pool: 2 }], [1], 3, 3, 'relaxed', 1828197590]] },
  )
})

test('[CMP-29] the same options give the same bits, run after run', async () => {
  const [first, again] = [await trainedByPlan(), await trainedByPlan()]
  expect(again.weights).toEqual(first.weights)
  expect(first.history.at(-1)?.validationAccuracy).toBeGreaterThan(0.95)
})

test('[CMP-29] norms of single examples’ gradients: a batch of one each, whose mean is the batch’s gradient', async () => {
  const { topology, loss } = trainingTopology(cnn({ inputShape: [6, 6, 1], classes: 3, blocks: [{ filters: 4, kernel: 3 }], hidden: [5] }))
  const model = await buildSeededModel(topology, 3)
  const plan = await planOf(model, 5, { loss, optimizer: { kind: 'sgd' } })
  const batch = drawBatch(model, loss, 5, seededRandom(4))
  writeBatch(plan, batch)
  plan.differentiate(5, { key: 1 })
  const whole = plan.flat.gradients.slice()
  const mean = new Float32Array(whole.length)
  const norms = plan.exampleGradients(5, { key: 1 }, (gradient) => {
    for (const [i, value] of gradient.entries()) mean[i] = must(mean[i], 'a sum') + value / 5
  })
  expect(relativeError(mean, whole)).toBeLessThan(1e-5)
  for (let i = 0; i < 5; i++) {
    must(plan.inputs[0], 'an input').data.set(batch.x.subarray(i * 36, (i + 1) * 36))
    plan.targets.data[0] = must(batch.targets[i], 'a target')
    plan.differentiate(1, { key: 1 })
    expect(norms[i]).toBeCloseTo(Math.hypot(...plan.flat.gradients), 6)
  }
  model.dispose()
})

test('[CMP-123] a batch whose values at the points come in lots has the mean of its examples’ gradients', async () => {
  const blocks = [
    { filters: 16, kernel: 3 },
    { filters: 32, kernel: 5 },
  ]
  const { topology, loss } = trainingTopology(cnn({ inputShape: [50, 50, 1], classes: 3, blocks }))
  const model = await buildSeededModel(topology, 3)
  const plan = await planOf(model, 9, { loss, optimizer: { kind: 'sgd' } })
  for (const images of [9, 5, 3]) {
    writeBatch(plan, drawBatch(model, loss, images, seededRandom(4)))
    plan.differentiate(images, { key: 1 })
    const whole = plan.flat.gradients.slice()
    const mean = new Float32Array(whole.length)
    plan.exampleGradients(images, { key: 1 }, (gradient) => {
      for (const [i, value] of gradient.entries()) mean[i] = must(mean[i], 'a sum') + value / images
    })
    expect(relativeError(mean, whole), `${images} examples`).toBeLessThan(1e-5)
  }
  model.dispose()
})
