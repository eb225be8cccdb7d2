import * as layers from '@tensorflow/tfjs-layers'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { KERNEL_BUILDS } from '../../../../shared/compute/kernels/load-kernels.ts'
import type { TrainingOptions } from '../../../../shared/compute/plan/compile.ts'
import { type LayerCase, LAYER_CASES } from '../layer-cases.ts'
import { trialData, trialTopology } from '../layer-trial.ts'
import { start } from '../node-backend.ts'
import { randomTopology } from '../random-topology.ts'
import { type CrewTrial, trialThreads } from './crew/crew-trial.ts'

let threads: ReturnType<typeof trialThreads>
beforeAll(async () => {
  await start('cpu')
  threads = trialThreads(2)
})
afterAll(() => threads.close())

const bytes = (values: Float32Array) => Buffer.from(values.buffer, values.byteOffset, values.byteLength)

async function expectSameBits(trial: CrewTrial): Promise<void> {
  const alone = await threads.learnt(trial, 1)
  for (const parts of [2, 3]) {
    const together = await threads.learnt(trial, parts)
    expect(Object.keys(together)).toEqual(Object.keys(alone))
    const others = Object.entries(alone).filter(([name, values]) => !bytes(values).equals(bytes(together[name] as Float32Array)))
    expect(
      others.map(([name]) => name),
      `on ${parts} threads`,
    ).toEqual([])
  }
}

const OPTIMIZERS = {
  'fused SGD': { optimizer: { kind: 'sgd' } },
  'clipped, proximal Adam': { optimizer: { kind: 'adam', weightDecay: 0.01 }, clipNorm: 0.05, proximal: 0.1 },
} as const satisfies Record<string, Omit<TrainingOptions, 'loss'>>

const l = layers.layers
const image = [9, 8, 3] as const

/** Layers with enough channels, rows and weights that every way to share a kernel out comes up, with shares of unequal size. */
const WIDE: Readonly<Record<string, LayerCase>> = {
  'dense layers by columns': {
    input: [151],
    apply: (x) => l.dense({ units: 77 }).apply(l.dense({ units: 300, activation: 'relu' }).apply(x)) as typeof x,
  },
  'a dense layer with few columns and many rows': { input: [6, 41], apply: (x) => l.dense({ units: 9 }).apply(x) as typeof x },
  'convolutions by channels': {
    input: image,
    apply: (x) =>
      l
        .conv2d({ filters: 33, kernelSize: 3, padding: 'same', activation: 'relu' })
        .apply(l.conv2d({ filters: 20, kernelSize: [3, 2], activation: 'relu' }).apply(x)) as typeof x,
  },
  'convolutions by rows of the filter': { input: image, apply: (x) => l.conv2d({ filters: 5, kernelSize: 5 }).apply(x) as typeof x },
  'a convolution of one pixel': {
    input: [5, 5, 12],
    apply: (x) => l.conv2d({ filters: 7, kernelSize: 5 }).apply(l.conv2d({ filters: 31, kernelSize: 1 }).apply(x)) as typeof x,
  },
  'convolutions by tiles': {
    input: [11, 16, 16],
    apply: (x) =>
      l
        .conv2d({ filters: 48, kernelSize: 3, padding: 'same', activation: 'relu' })
        .apply(l.conv2d({ filters: 32, kernelSize: 5, padding: 'same', activation: 'relu' }).apply(x)) as typeof x,
  },
  'a transposed convolution': {
    input: image,
    apply: (x) => l.conv2dTranspose({ filters: 19, kernelSize: 3, strides: 2, activation: 'relu' }).apply(x) as typeof x,
  },
  'normalised separable convolutions': {
    input: image,
    apply: (x) =>
      l
        .separableConv2d({ filters: 37, kernelSize: 3, activation: 'relu' })
        .apply(l.batchNormalization({}).apply(l.conv2d({ filters: 41, kernelSize: 3, padding: 'same' }).apply(x))) as typeof x,
  },
  'recurrent layers': {
    input: [7, 11],
    apply: (x) => l.gru({ units: 21 }).apply(l.lstm({ units: 19, returnSequences: true }).apply(x)) as typeof x,
  },
}

const cases = Object.entries(LAYER_CASES).flatMap(([type, list]) =>
  list.filter(({ fallback }) => fallback === undefined).map((each) => ({ type, about: each.about ?? '', each })),
)

describe.each(Object.entries(OPTIMIZERS))('[CMP-27] by %s', (_, training) => {
  test.each(cases)('$type $about: the same bits on one, two and three threads', async ({ each }) => {
    await expectSameBits({ topology: trialTopology(each), data: trialData(each), training })
  })
})

test.each(Object.entries(WIDE).flatMap(([name, each]) => KERNEL_BUILDS.map((build) => ({ name, each, build }))))(
  '[CMP-27] $name by $build kernels: the same bits on one, two and three threads',
  async ({ each, build }) => {
    for (const training of Object.values(OPTIMIZERS))
      await expectSameBits({ topology: trialTopology(each), data: trialData(each), training, build })
  },
)

test('[CMP-27] convolutions by tiles whose values at the points come in lots', async () => {
  const each = {
    input: [60, 44, 16],
    apply: (x: layers.SymbolicTensor) => l.conv2d({ filters: 32, kernelSize: 5, padding: 'same', activation: 'relu' }).apply(x) as typeof x,
  }
  await expectSameBits({ topology: trialTopology(each), data: trialData(each), training: OPTIMIZERS['fused SGD'] })
})

test('[CMP-27] frozen layers between others', async () => {
  const each = { input: image, apply: (x: layers.SymbolicTensor) => l.conv2d({ filters: 20, kernelSize: 3 }).apply(x) as typeof x }
  for (const frozen of [[1], [2], [1, 2]])
    await expectSameBits({ topology: trialTopology(each), data: trialData(each), training: OPTIMIZERS['fused SGD'], frozen })
})

test('[CMP-27] random graphs: the same bits on one, two and three threads', async () => {
  const data = trialData({ input: [6, 5, 3], apply: (x) => x })
  await fc.assert(
    fc.asyncProperty(
      fc.nat(),
      fc.integer({ min: 1, max: 6 }),
      fc.constantFrom(...Object.values(OPTIMIZERS)),
      async (seed, depth, training) => expectSameBits({ topology: randomTopology(seed, depth), data, training }),
    ),
    { numRuns: 60 },
  )
})
