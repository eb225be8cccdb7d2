import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, expect, test } from 'vitest'
import { cnn, mlp } from '../../../../shared/compute/architectures.ts'
import { KERNEL_BUILDS, type KernelBuild, loadKernels } from '../../../../shared/compute/kernels/load-kernels.ts'
import { buildModel, getWeights, type Topology } from '../../../../shared/compute/model.ts'
import { compileInference, compileTraining } from '../../../../shared/compute/plan/compile.ts'
import { graphOf } from '../../../../shared/compute/plan/graph.ts'
import { getPlanWeights, setPlanWeights } from '../../../../shared/compute/plan/plan-weights.ts'
import { buildSeededModel } from '../../../../shared/compute/seeded-model.ts'
import type { Tensor } from '../../../../shared/compute/tf.ts'
import { must } from '../../../../shared/core/assert.ts'
import { seededRandom } from '../../../../shared/core/random.ts'
import { unwrap } from '../../../../shared/core/result.ts'
import { sizeOf } from '../../../../shared/tensor/tensor.ts'
import { start } from '../node-backend.ts'
import { relativeError } from './reference-gradients.ts'

beforeAll(() => start('cpu'))

const topology = cnn({
  inputShape: [9, 8, 2],
  classes: 5,
  blocks: [
    { filters: 6, kernel: 3, pool: 2 },
    { filters: 9, kernel: 2 },
  ],
  hidden: [11],
  dropout: 0.5,
})

async function plansOf(topology: Topology, batchSize: number, build: KernelBuild = 'relaxed', memoryLimit?: number) {
  const model = await buildSeededModel(topology, 9)
  const options = { graph: unwrap(graphOf(model)), kernels: unwrap(await loadKernels(build)), batchSize }
  return { model, plan: compileInference({ ...options, ...(memoryLimit === undefined ? {} : { memoryLimit }) }), options }
}

const tiled = cnn({
  inputShape: [18, 15, 1],
  classes: 5,
  blocks: [
    { filters: 32, kernel: 3, padding: 'same' },
    { filters: 32, kernel: 5, padding: 'same' },
    { filters: 40, kernel: 3 },
  ],
})

test.each([
  ...KERNEL_BUILDS.map((build) => ({ about: '', build, topology, input: [9, 8, 2], within: 1e-6 })),
  ...KERNEL_BUILDS.map((build) => ({ about: '[CMP-123] by tiles:', build, topology: tiled, input: [18, 15, 1], within: 2e-6 })),
])('[CMP-22] $about answers, softmax included, are those of the CPU backend ($build)', async ({ build, topology, input, within }) => {
  const { model, plan: compiled } = await plansOf(topology, 4, build)
  const plan = unwrap(compiled)
  setPlanWeights(plan, await getWeights(model))
  const random = seededRandom(1)
  for (const images of [4, 1]) {
    const shape = [images, ...input]
    const x = Float32Array.from({ length: sizeOf(shape) }, () => random.uniform())
    must(plan.inputs[0], 'an input').data.set(x)
    plan.infer(images)
    const want = await (model.predict(tf.tensor(x, shape)) as Tensor).data()
    expect(relativeError(plan.answers.data.subarray(0, images * 5), want)).toBeLessThan(within)
  }
})

test('[CMP-22] a layer, or an option of one, without a kernel is named', async () => {
  const odd = structuredClone(mlp({ inputShape: [4], classes: 2, hidden: [3] })) as unknown as {
    config: { layers: { class_name: string; config: Record<string, unknown> }[] }
  }
  must(odd.config.layers[0], 'a layer').config['kernel_regularizer'] = { class_name: 'L1L2', config: { l1: 0, l2: 0.1 } }
  const regularized = await buildModel(odd as unknown as Topology)
  const kernels = unwrap(await loadKernels())
  const training = { loss: 'mean-squared-error', optimizer: { kind: 'sgd' } } as const
  expect(compileTraining({ graph: unwrap(graphOf(regularized)), kernels, batchSize: 2 }, training)).toMatchObject({
    ok: false,
    error: { code: 'unsupported_op', detail: 'layer hidden_1 (Dense): kernelRegularizer is set' },
  })
  odd.config.layers.splice(1, 0, { class_name: 'GaussianNoise', config: { name: 'noise', stddev: 1 } })
  const noisy = await buildModel(odd as unknown as Topology)
  expect(compileInference({ graph: unwrap(graphOf(noisy)), kernels, batchSize: 2 })).toMatchObject({
    ok: false,
    error: { code: 'unsupported_op', detail: expect.stringMatching(/^layer noise \(GaussianNoise\): /) },
  })
})

test('[CMP-22] too little memory is told before any is taken', async () => {
  const { plan } = await plansOf(topology, 1000, 'relaxed', 100_000)
  expect(plan).toMatchObject({ ok: false, error: { code: 'out_of_memory' } })
})

test('[CMP-22] wrong weights and batches of another size are refused and change nothing', async () => {
  const { model, plan: compiled } = await plansOf(topology, 2)
  const plan = unwrap(compiled)
  const weights = await getWeights(model)
  setPlanWeights(plan, weights)
  const bias = must(weights['output/bias'], 'a bias')
  const { 'output/bias': _, ...fewer } = weights
  const nan = { ...bias, data: Float32Array.from([Number.NaN, 0, 0, 0, 0]) }
  for (const [bad, name] of [
    [fewer, 'output/bias'],
    [{ ...weights, more: bias }, 'more'],
    [{ ...weights, 'output/bias': { ...bias, shape: [1, 5] } }, 'output/bias'],
    [{ ...weights, 'output/bias': nan }, 'output/bias'],
  ] as const)
    expect(() => setPlanWeights(plan, bad)).toThrow(
      expect.objectContaining({ code: 'shape_mismatch', issues: [expect.objectContaining({ where: name })] }),
    )
  expect(getPlanWeights(plan)).toEqual(weights)
  for (const images of [0, 3, 1.5]) expect(() => plan.infer(images)).toThrow(expect.objectContaining({ code: 'invalid_input' }))
})
