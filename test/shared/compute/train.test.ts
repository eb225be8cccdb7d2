import * as core from '@tensorflow/tfjs-core'
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { cnn, linear, mlp } from '../../../shared/compute/architectures.ts'
import { memoryInUse, useBackend } from '../../../shared/compute/backends.ts'
import { affine, type BatchTransform } from '../../../shared/compute/examples.ts'
import { loadRuntime } from '../../../shared/compute/load-runtime.ts'
import { type TrainOptions, type TrainProgress, trainModel } from '../../../shared/compute/train.ts'
import { must } from '../../../shared/core/assert.ts'
import { seededRandom } from '../../../shared/core/random.ts'
import { start, wasmPath } from './node-backend.ts'
import { quarters } from './shapes-data.ts'

const shape = { inputShape: [8, 8, 1] as const, classes: 4 }
const cnnTopology = cnn({
  ...shape,
  blocks: [
    { filters: 4, kernel: 3, stride: 2 },
    { filters: 8, kernel: 2, pool: 2 },
  ],
  hidden: [8],
  dropout: 0.2,
})
const sureTopology = cnn({ ...shape, blocks: [{ filters: 8, kernel: 3, stride: 2 }], hidden: [16] })
const training = quarters(600, 1)
const validation = quarters(200, 2)

const options = (more: Partial<TrainOptions> = {}): TrainOptions => ({
  topology: cnnTopology,
  ...training,
  validation,
  transform: affine(1 / 255),
  epochs: 2,
  batchSize: 32,
  optimizer: { kind: 'adam' },
  learningRate: { kind: 'one-cycle', peak: 0.02 },
  seed: 5,
  ...more,
})

beforeAll(async () => {
  await start('cpu')
  await start('wasm')
})

beforeEach(() => useBackend('wasm'))

test('[CMP-6] the same seed gives the same weights bit for bit, dropout included; another seed gives others', async () => {
  const [a, b, c] = [await trainModel(options()), await trainModel(options()), await trainModel(options({ seed: 6 }))]
  expect(b.weights).toEqual(a.weights)
  expect(b.history.map(({ seconds: _, ...record }) => record)).toEqual(a.history.map(({ seconds: _, ...record }) => record))
  expect(c.weights).not.toEqual(a.weights)
})

test('[CMP-6] WASM and CPU backends train alike', async () => {
  const plain = options({ topology: mlp({ ...shape, hidden: [8] }), epochs: 1, engineChoice: 'tfjs' })
  const wasm = await trainModel(plain)
  useBackend('cpu')
  const cpu = await trainModel(plain)
  for (const [name, tensor] of Object.entries(wasm.weights)) {
    for (const [i, value] of tensor.data.entries()) expect(value).toBeCloseTo(must(cpu.weights[name]?.data[i], 'a value'), 3)
  }
})

test('[CMP-7] a diverging run stops with training_diverged and leaves no tensor', async () => {
  const before = memoryInUse()
  const run = trainModel(options({ topology: linear(shape), optimizer: { kind: 'sgd' }, learningRate: { kind: 'constant', rate: 1e38 } }))
  await expect(run).rejects.toMatchObject({
    code: 'training_diverged',
    detail: expect.stringMatching(/^the loss was (NaN|Infinity) at step \d+ of 38/),
  })
  expect(memoryInUse()).toEqual(before)
})

test('[CMP-7] an abort ends the run after the batch that it falls in, and leaves no tensor', async () => {
  const before = memoryInUse()
  const controller = new AbortController()
  const seen: number[] = []
  const onProgress = ({ done }: TrainProgress) => {
    seen.push(done)
    if (done === 3) controller.abort()
  }
  await expect(trainModel(options({ signal: controller.signal, onProgress }))).rejects.toMatchObject({ code: 'aborted' })
  expect(seen).toEqual([1, 2, 3])
  expect(memoryInUse()).toEqual(before)
})

test('[CMP-8] tells progress after each batch, and loss and accuracy of each epoch', async () => {
  const seen: TrainProgress[] = []
  const before = memoryInUse()
  const { history, weights } = await trainModel(options({ topology: sureTopology, onProgress: (progress) => seen.push(progress) }))
  expect(seen.map(({ done }) => done)).toEqual(Array.from({ length: 38 }, (_, i) => i + 1))
  expect(new Set(seen.map(({ total }) => total))).toEqual(new Set([38]))
  expect(history.map(({ epoch }) => epoch)).toEqual([1, 2])
  const [first, last] = [must(history[0], 'an epoch'), must(history[1], 'an epoch')]
  expect(last.loss).toBeLessThan(first.loss)
  expect(last.validationAccuracy).toBeGreaterThan(0.95)
  expect(memoryInUse()).toEqual(before)
  const runtime = await loadRuntime({ topology: sureTopology, tensors: weights }, 'wasm', { wasmPath })
  runtime.dispose()
})

test('[CMP-8] other work of the thread goes on while it trains', async () => {
  let turns = 0
  const timer = setInterval(() => {
    turns += 1
  }, 5)
  await trainModel(options({ epochs: 60 }))
  clearInterval(timer)
  expect(turns).toBeGreaterThan(3)
})

test('[CMP-9] goes on from given weights', async () => {
  const first = await trainModel(options())
  const next = await trainModel(options({ initial: first.weights, epochs: 1, learningRate: { kind: 'constant', rate: 0 } }))
  expect(next.weights).toEqual(first.weights)
})

test('[CMP-9] transforms each batch by itself, with randomness in training only', async () => {
  const sizes: { raw: number; random: boolean }[] = []
  const transform: BatchTransform = (raw, out, random) => {
    sizes.push({ raw: raw.length / 64, random: random !== undefined })
    expect(raw).toBeInstanceOf(Uint8Array)
    affine(1 / 255)(raw, out, random)
  }
  await trainModel(options({ transform, epochs: 1, batchSize: 256 }))
  expect(sizes).toEqual([
    { raw: 256, random: true },
    { raw: 256, random: true },
    { raw: 88, random: true },
    { raw: 200, random: false },
  ])
})

test('[CMP-9] refuses examples, labels and options that do not fit', async () => {
  const cases: [Partial<TrainOptions>, string][] = [
    [{ labels: training.labels.subarray(1) }, 'shape_mismatch'],
    [{ examples: { data: training.examples.data, shape: [600, 8, 9, 1] } }, 'shape_mismatch'],
    [{ examples: { data: training.examples.data, shape: [300, 128] }, labels: training.labels.subarray(300) }, 'shape_mismatch'],
    [{ labels: training.labels.map(() => 4) }, 'invalid_input'],
    [{ examples: { data: new Uint8Array(0), shape: [0, 8, 8, 1] }, labels: new Uint8Array(0) }, 'invalid_input'],
    [{ epochs: 0 }, 'invalid_input'],
    [{ batchSize: 1.5 }, 'invalid_input'],
    [{ topology: {} }, 'invalid_document'],
  ]
  const before = memoryInUse()
  for (const [more, code] of cases) await expect(trainModel(options(more))).rejects.toMatchObject({ code })
  expect(memoryInUse()).toEqual(before)
})

test('[CMP-9] class weights shift the answers towards the heavier class', async () => {
  const confused = { ...training, labels: training.labels.map((_, i) => i % 2) }
  const plain = options({ ...confused, topology: linear({ ...shape, classes: 2 }), classWeights: [1, 5] })
  const { validation: _, ...withoutValidation } = plain
  const { weights } = await trainModel(withoutValidation)
  const bias = must(weights['output/bias'], 'a bias').data
  expect(must(bias[1], 'a value')).toBeGreaterThan(must(bias[0], 'a value'))
})

test('[CMP-9] learns a yes-or-no question from a sigmoid, and a number without an activation', async () => {
  const random = seededRandom(3)
  const data = Float32Array.from({ length: 800 }, () => random.uniform() - 0.5)
  const sums = Float32Array.from({ length: 200 }, (_, i) => data.subarray(i * 4, i * 4 + 4).reduce((a, b) => a + b, 0))
  const examples = { data, shape: [200, 4] }
  const common = {
    examples,
    epochs: 20,
    batchSize: 20,
    optimizer: { kind: 'sgd', momentum: 0.9, nesterov: true } as const,
    learningRate: { kind: 'cosine', rate: 0.2 } as const,
    seed: 1,
  }
  const yesNo = await trainModel({
    ...common,
    topology: linear({ inputShape: [4], classes: 1 }),
    labels: sums.map((sum) => (sum > 0 ? 1 : 0)),
  })
  expect(yesNo.history.at(-1)?.accuracy).toBeGreaterThan(0.95)
  const topology = structuredClone(linear({ inputShape: [4], classes: 1 })) as unknown as {
    config: { layers: { config: { activation: string } }[] }
  }
  must(topology.config.layers.at(-1), 'the output layer').config.activation = 'linear'
  const number = await trainModel({ ...common, topology: topology as unknown as TrainOptions['topology'], labels: sums })
  expect(number.history.at(-1)).toMatchObject({ loss: expect.any(Number) })
  expect(must(number.history.at(-1), 'an epoch').loss).toBeLessThan(1e-4)
  expect(number.history.at(-1)).not.toHaveProperty('accuracy')
})

test('[CMP-6] leaves the platform random generator out of it', async () => {
  const original = Math.random
  Math.random = () => {
    throw new Error('Math.random was called')
  }
  try {
    await trainModel(options({ epochs: 1 }))
  } finally {
    Math.random = original
  }
  expect(core.getBackend()).toBe('wasm')
})
