import { beforeAll, expect, test } from 'vitest'
import { cnn, linear } from '../../../shared/compute/architectures.ts'
import { affine } from '../../../shared/compute/examples.ts'
import type { Topology } from '../../../shared/compute/model.ts'
import { type TrainOptions, trainModel } from '../../../shared/compute/train.ts'
import type { TrainingCheckpoint } from '../../../shared/compute/training-checkpoint.ts'
import { must } from '../../../shared/core/assert.ts'
import { start } from './node-backend.ts'
import { relativeError } from './plan/reference-gradients.ts'
import { quarters } from './shapes-data.ts'

beforeAll(() => start('wasm'))

const topology = cnn({ inputShape: [8, 8, 1], classes: 4, blocks: [{ filters: 5, kernel: 3, pool: 2 }], hidden: [8] })
const dropping = cnn({ inputShape: [8, 8, 1], classes: 4, blocks: [{ filters: 5, kernel: 3, pool: 2 }], hidden: [8], dropout: 0.3 })
const options = (more: Partial<TrainOptions> = {}): TrainOptions => ({
  topology,
  ...quarters(150, 3),
  transform: affine(1 / 255),
  epochs: 2,
  batchSize: 32,
  optimizer: { kind: 'sgd' },
  learningRate: { kind: 'constant', rate: 0.05 },
  seed: 7,
  ...more,
})

test.each<[string, Partial<TrainOptions>]>([
  ['plain SGD', {}],
  ['weight decay', { optimizer: { kind: 'sgd', weightDecay: 0.1 } }],
  ['momentum', { optimizer: { kind: 'sgd', momentum: 0.9 } }],
  ['Nesterov momentum and decay', { optimizer: { kind: 'sgd', momentum: 0.9, nesterov: true, weightDecay: 0.01 } }],
  ['Adam', { optimizer: { kind: 'adam' }, learningRate: { kind: 'cosine', rate: 0.002, warmup: 0.2 } }],
  ['AdamW', { optimizer: { kind: 'adam', beta1: 0.8, beta2: 0.99, epsilon: 1e-4, weightDecay: 0.1 } }],
  ['a clipped gradient', { clipNorm: 0.2 }],
  ['a proximal term', { proximal: 0.5 }],
  [
    'weights of classes and examples',
    { classWeights: [1, 2, 0.5, 0], exampleWeights: Float32Array.from({ length: 150 }, (_, i) => (i % 3) / 2) },
  ],
])('[CMP-23] a plan and tfjs train alike with %s', async (_, more) => {
  const plan = await trainModel(options({ ...more, epochs: 1, engineChoice: 'plan' }))
  // one epoch: the engines draw differently from the random source, so that a second would be in another order
  const tfjs = await trainModel(options({ ...more, epochs: 1, engineChoice: 'tfjs' }))
  expect(plan.engine).toMatchObject({ kind: 'plan', reason: 'relaxed kernels' })
  expect(tfjs.engine).toMatchObject({ kind: 'tfjs', reason: 'tfjs on wasm: as asked' })
  expect(Object.keys(plan.weights)).toEqual(Object.keys(tfjs.weights))
  for (const [name, { data }] of Object.entries(tfjs.weights)) {
    expect(relativeError(must(plan.weights[name], name).data, data), name).toBeLessThan(1e-4)
  }
  expect(must(plan.history.at(-1), 'an epoch').loss).toBeCloseTo(must(tfjs.history.at(-1), 'an epoch').loss, 3)
  expect(plan.history.at(-1)?.accuracy).toBeCloseTo(must(tfjs.history.at(-1)?.accuracy, 'an accuracy'), 1)
})

test('[CMP-23] a change of any option is felt: the options above do not agree by doing nothing', async () => {
  const plain = await trainModel(options({ engineChoice: 'plan' }))
  for (const more of [{ clipNorm: 0.2 }, { proximal: 0.5 }, { classWeights: [1, 2, 0.5, 0] }] as const) {
    const other = await trainModel(options({ ...more, engineChoice: 'plan' }))
    expect(
      relativeError(must(other.weights['output/kernel'], 'a weight').data, must(plain.weights['output/kernel'], 'a weight').data),
    ).toBeGreaterThan(1e-3)
  }
})

test('[CMP-24] what the compiler does not know trains on tfjs, which says why; asked for a plan, that is the error', async () => {
  const regularized = structuredClone(linear({ inputShape: [8, 8, 1], classes: 4 })) as unknown as {
    config: { layers: { config: Record<string, unknown> }[] }
  }
  must(regularized.config.layers.at(-1), 'a layer').config['kernel_regularizer'] = { class_name: 'L1L2', config: { l1: 0, l2: 0.01 } }
  const odd = options({ topology: regularized as unknown as Topology, epochs: 1 })
  const { engine } = await trainModel(odd)
  expect(engine).toEqual({ kind: 'tfjs', reason: 'tfjs on wasm: layer output (Dense): kernelRegularizer is set' })
  await expect(trainModel({ ...odd, engineChoice: 'plan' })).rejects.toMatchObject({
    code: 'unsupported_op',
    issues: [{ where: 'output', what: 'kernelRegularizer is set' }],
  })
})

test.each(['plan', 'tfjs'] as const)('[CMP-25] a %s run goes on from any checkpoint to the same bits', async (engineChoice) => {
  const checkpoints: TrainingCheckpoint[] = []
  const run = options({
    topology: dropping,
    engineChoice,
    epochs: 3,
    optimizer: { kind: 'adam' },
    validation: quarters(40, 5),
    checkpoint: { every: 4, save: async (checkpoint) => void checkpoints.push(structuredClone(checkpoint)) },
  })
  const whole = await trainModel(run)
  // 5 steps an epoch: within the first, within the second, within the third
  expect(checkpoints.map(({ done }) => done)).toEqual([4, 8, 12])
  const bare = ({ history }: typeof whole) => history.map(({ seconds: _, ...record }) => record)
  for (const resume of checkpoints) {
    const rest = await trainModel({ ...run, checkpoint: { every: 5, save: async () => {} }, resume })
    expect(rest.weights).toEqual(whole.weights)
    expect(bare(rest)).toEqual(bare(whole))
  }
  const ends: TrainingCheckpoint[] = []
  await trainModel({ ...run, checkpoint: { every: 5, save: async (checkpoint) => void ends.push(structuredClone(checkpoint)) } })
  for (const resume of ends) expect((await trainModel({ ...run, resume })).weights).toEqual(whole.weights)
})

test('[CMP-25] a checkpoint of another run is refused, naming what differs', async () => {
  let saved: TrainingCheckpoint | undefined
  await trainModel(options({ checkpoint: { every: 3, save: async (checkpoint) => void (saved ??= checkpoint) } }))
  const resume = must(saved, 'a checkpoint')
  await expect(trainModel(options({ resume, seed: 8 }))).rejects.toMatchObject({
    code: 'invalid_input',
    detail: 'the checkpoint is of a run with seed 7, not 8',
  })
  await expect(trainModel(options({ resume, optimizer: { kind: 'adam' } }))).rejects.toMatchObject({ code: 'shape_mismatch' })
})

test('[CMP-26] training waits between steps for whoever asks it to', async () => {
  const seen: string[] = []
  await trainModel(
    options({
      epochs: 1,
      betweenSteps: async () => {
        await Promise.resolve()
        seen.push('between')
      },
      onProgress: ({ done }) => seen.push(`step ${done}`),
    }),
  )
  expect(seen).toEqual(['between', 'step 1', 'between', 'step 2', 'between', 'step 3', 'between', 'step 4', 'between', 'step 5'])
})
