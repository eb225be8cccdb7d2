import { beforeAll, expect, test } from 'vitest'
import { parallelEngine } from '../../../server/training/parallel-engine.ts'
import { cnn } from '../../../shared/compute/architectures.ts'
import { affine } from '../../../shared/compute/examples.ts'
import type { OptimizerOptions } from '../../../shared/compute/optimizers.ts'
import { shareOut } from '../../../shared/compute/plan/parallel-plan.ts'
import { type TrainOptions, trainModel } from '../../../shared/compute/train.ts'
import type { TrainingCheckpoint } from '../../../shared/compute/training-checkpoint.ts'
import { must } from '../../../shared/core/assert.ts'
import { start } from '../../shared/compute/node-backend.ts'
import { relativeError } from '../../shared/compute/plan/reference-gradients.ts'
import { quarters } from '../../shared/compute/shapes-data.ts'

beforeAll(() => start('cpu'))

const options = (threads: number, more: Partial<TrainOptions> = {}): TrainOptions => ({
  topology: cnn({ inputShape: [8, 8, 1], classes: 4, blocks: [{ filters: 5, kernel: 3, pool: 2 }], hidden: [9] }),
  ...quarters(101, 3),
  transform: affine(1 / 255),
  epochs: 2,
  batchSize: 32,
  optimizer: { kind: 'sgd' },
  learningRate: { kind: 'constant', rate: 0.05 },
  seed: 7,
  engineChoice: 'plan',
  engineStarter: parallelEngine(threads),
  ...more,
})

test.each<[string, OptimizerOptions, Partial<TrainOptions>]>([
  ['SGD', { kind: 'sgd' }, {}],
  [
    'Adam with clipping, a proximal term and class weights',
    { kind: 'adam', weightDecay: 0.01 },
    { clipNorm: 0.5, proximal: 0.1, classWeights: [1, 2, 0.5, 1] },
  ],
])('[CMP-27] %s on several threads: the same bits each time, and one thread’s weights but for rounding', async (_, optimizer, more) => {
  const one = await trainModel(options(1, { optimizer, ...more }))
  for (const threads of [2, 3]) {
    const [first, again] = [
      await trainModel(options(threads, { optimizer, ...more })),
      await trainModel(options(threads, { optimizer, ...more })),
    ]
    expect(first.engine).toEqual({ kind: 'plan', reason: `relaxed kernels on ${threads} threads` })
    expect(again.weights).toEqual(first.weights)
    for (const [name, { data }] of Object.entries(one.weights))
      expect(relativeError(must(first.weights[name], name).data, data), name).toBeLessThan(1e-3)
  }
})

test('[CMP-27] a checkpoint of several threads goes on to the same bits', async () => {
  const saved: TrainingCheckpoint[] = []
  const run = options(2, { optimizer: { kind: 'adam' } })
  const whole = await trainModel({
    ...run,
    checkpoint: { every: 5, save: async (checkpoint) => void saved.push(structuredClone(checkpoint)) },
  })
  const rest = await trainModel({ ...run, resume: must(saved[0], 'a checkpoint') })
  expect(rest.weights).toEqual(whole.weights)
})

test('[CMP-27] a batch smaller than the number of threads leaves some idle', async () => {
  expect(shareOut(2, 3)).toEqual([0, 1, 1])
  const { weights, history } = await trainModel(options(3, { ...quarters(34, 3) }))
  expect(history).toHaveLength(2)
  expect(must(weights['output/kernel'], 'weights').data.every(Number.isFinite)).toBe(true)
})

test('[CMP-27] what cannot be split trains on one thread, and says so', async () => {
  const { engine } = await trainModel(options(2, { batchSize: 32, engineChoice: 'tfjs' }))
  expect(engine?.kind).toBe('tfjs')
})
