import * as core from '@tensorflow/tfjs-core'
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { useBackend } from '../../../shared/compute/backends.ts'
import { trainModel } from '../../../shared/compute/train.ts'
import { normal, seededRandom } from '../../../shared/core/random.ts'
import { LAYER_CASES } from './layer-cases.ts'
import { trialData, trialTopology } from './layer-trial.ts'
import { start } from './node-backend.ts'

beforeAll(async () => {
  await start('cpu')
  await start('wasm')
})

type Linear = { about: string; shape: number[]; run: (x: core.Tensor) => core.Tensor }

const size = fc.integer({ min: 2, max: 6 })
const side = fc.integer({ min: 1, max: 9 })

/** Operations that are linear in their input: the gradient of each is its transpose, which a scalar product shows without a reference. */
const linear: fc.Arbitrary<Linear> = fc
  .record({
    n: fc.integer({ min: 1, max: 3 }),
    h: size,
    w: size,
    c: fc.integer({ min: 1, max: 3 }),
    oh: side,
    ow: side,
    flag: fc.boolean(),
  })
  .chain(({ n, h, w, c, oh, ow, flag }) => {
    const shape = [n, h, w, c]
    const as4 = (x: core.Tensor) => x as core.Tensor4D
    const boxes = Array.from({ length: n + 1 }, (_, i) => [0.0137 + 0.1 * i, -0.2113, 0.9071, 0.7691 + 0.1 * i])
    return fc.constantFrom<Linear>(
      { about: `bilinear to ${oh}x${ow}, corners ${flag}`, shape, run: (x) => core.image.resizeBilinear(as4(x), [oh, ow], flag) },
      { about: `nearest to ${oh}x${ow}, corners ${flag}`, shape, run: (x) => core.image.resizeNearestNeighbor(as4(x), [oh, ow], flag) },
      {
        about: `crop to ${oh}x${ow}, nearest ${flag}`,
        shape,
        run: (x) => {
          const indices = core.tensor1d([...Array.from({ length: n }, (_, i) => i), 0], 'int32')
          return core.image.cropAndResize(as4(x), core.tensor2d(boxes), indices, [oh, ow], flag ? 'nearest' : 'bilinear')
        },
      },
      {
        about: 'transposed three-dimensional convolution',
        shape: [n, h, w, 2, c],
        run: (x) =>
          core.conv3dTranspose(
            x as core.Tensor5D,
            core.randomNormal([2, 2, 2, 3, c], 0, 1, 'float32', 7),
            [n, h * 2, w * 2, 4, 3],
            2,
            'same',
          ),
      },
    )
  })

const noise = (shape: readonly number[], seed: number): core.Tensor => {
  const random = seededRandom(seed)
  return core.tensor(
    Float32Array.from({ length: core.util.sizeFromShape([...shape]) }, () => normal(random)),
    [...shape],
  )
}

test.each(['cpu', 'wasm'] as const)(
  '[CMP-41] on %s a resize, a crop and a transposed convolution have their transpose as gradient',
  (backend) => {
    fc.assert(
      fc.property(linear, fc.nat(), ({ shape, run }, seed) => {
        useBackend(backend)
        core.tidy(() => {
          const x = noise(shape, seed)
          const y = run(x)
          const dy = noise(y.shape, seed + 1)
          const forward = core.sum(core.mul(y, dy)).dataSync()[0] as number
          const back = core.sum(core.mul(x, core.grad(run)(x, dy))).dataSync()[0] as number
          const scale = Math.sqrt(y.size) * Math.max(1, (core.norm(y).dataSync()[0] as number) / Math.sqrt(y.size))
          expect(Math.abs(forward - back)).toBeLessThan(1e-4 * scale)
        })
      }),
      { numRuns: 60 },
    )
  },
)

test.each([['LSTM', 3] as const, ['GaussianNoise', 0] as const, ['GaussianDropout', 0] as const, ['AlphaDropout', 0] as const])(
  '[CMP-41] the noise of %s follows from the seed',
  async (type, at) => {
    useBackend('wasm')
    const each = LAYER_CASES[type]?.[at]
    if (each === undefined) throw new Error(`no case ${at} of ${type}`)
    const { examples, labels } = trialData(each)
    const train = (seed: number) =>
      trainModel({
        topology: trialTopology(each),
        examples,
        labels,
        epochs: 3,
        batchSize: 2,
        optimizer: { kind: 'sgd' },
        learningRate: { kind: 'constant', rate: 0.1 },
        seed,
      })
    const [a, b, c] = [await train(1), await train(1), await train(2)]
    const losses = ({ history }: Awaited<ReturnType<typeof train>>) => history.map(({ loss }) => loss)
    expect(losses(b)).toEqual(losses(a))
    expect(losses(c)).not.toEqual(losses(a))
    const values = ({ weights }: typeof a) => Object.values(weights).map(({ data }) => [...data])
    expect(values(b)).toEqual(values(a))
  },
)

test('[CMP-41] Einstein sums on WASM equal those of the CPU backend and leave no tensor', async () => {
  const equations = fc.constantFrom<[string, number[][]]>(
    [
      'ij,jk->ik',
      [
        [3, 4],
        [4, 2],
      ],
    ],
    [
      'bij,bjk->bik',
      [
        [2, 3, 4],
        [2, 4, 2],
      ],
    ],
    ['ij->ji', [[3, 4]]],
    ['ij->', [[3, 4]]],
    [
      'bqhd,bkhd->bhqk',
      [
        [2, 3, 2, 4],
        [2, 5, 2, 4],
      ],
    ],
    ['i,j->ji', [[2], [3]]],
  )
  fc.assert(
    fc.property(equations, fc.nat(), ([equation, shapes], seed) => {
      const on = (backend: 'cpu' | 'wasm') => {
        useBackend(backend)
        const before = core.memory().numTensors
        const values = core.tidy(
          () => core.einsum(equation, ...shapes.map((shape, i) => noise(shape, seed + i))).dataSync() as Float32Array,
        )
        expect(core.memory().numTensors).toBe(before)
        return [...values]
      }
      const [got, want] = [on('wasm'), on('cpu')]
      expect(got.length).toBe(want.length)
      for (const [i, value] of want.entries()) expect(got[i]).toBeCloseTo(value, 4)
    }),
    { numRuns: 30 },
  )
})
