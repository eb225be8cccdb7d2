import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import * as core from '@tensorflow/tfjs-core'
import { useBackend } from '../../../shared/compute/backends.ts'
import { must } from '../../../shared/core/assert.ts'
import { normal, seededRandom } from '../../../shared/core/random.ts'
import { start } from './node-backend.ts'

beforeAll(async () => {
  await start('cpu')
  await start('wasm')
})

type Case = { shapes: number[][]; run: (...inputs: core.Tensor[]) => core.Tensor; seed: number }

/** What run answers, and the gradients of sum(run(inputs) * fixed noise) in each input, on one backend. */
async function answersOn(backend: 'cpu' | 'wasm', { shapes, run, seed }: Case): Promise<Float32Array[]> {
  useBackend(backend)
  const random = seededRandom(seed)
  const draw = (shape: readonly number[]) =>
    core.tensor(
      Float32Array.from({ length: core.util.sizeFromShape([...shape]) }, () => normal(random)),
      [...shape],
    )
  const inputs = shapes.map(draw)
  const gradients = core.tidy(() => {
    const outShape = core.tidy(() => run(...inputs).shape)
    const noise = draw(outShape)
    return [run(...inputs), ...core.grads((...xs: core.Tensor[]) => core.sum(core.mul(run(...xs), noise)))(inputs)]
  })
  const values = await Promise.all(gradients.map(async (gradient) => (await gradient.data()).slice() as Float32Array))
  core.dispose([inputs, gradients] as unknown as core.TensorContainer)
  return values
}

/** Largest relative L2 distance over the answer and the inputs' gradients. */
async function distance(task: Case): Promise<number> {
  const [got, want] = [await answersOn('wasm', task), await answersOn('cpu', task)]
  const distances = want.map((values, i) => {
    const other = must(got[i], 'a gradient')
    expect(other.length).toBe(values.length)
    const squares = values.reduce((sum, value, at) => sum + (value - must(other[at], 'a value')) ** 2, 0)
    return Math.sqrt(
      squares /
        Math.max(
          1e-12,
          values.reduce((sum, value) => sum + value ** 2, 0),
        ),
    )
  })
  return Math.max(...distances)
}

const LIMIT = 1e-5

type Pad = 'same' | 'valid' | number

const size = fc.integer({ min: 3, max: 9 })
const small = fc.integer({ min: 1, max: 3 })
const pad = fc.constantFrom<Pad>('same', 'valid', 1, 2)

test('[CMP-1] convolution gradients equal those of the CPU backend, for any stride, padding, kernel and batch', async () => {
  const parameters = fc.record({
    n: small,
    h: size,
    w: size,
    i: small,
    o: fc.integer({ min: 1, max: 9 }),
    kh: small,
    kw: small,
    sh: small,
    sw: small,
    pad,
    seed: fc.nat(),
  })
  await fc.assert(
    fc.asyncProperty(parameters, async ({ n, h, w, i, o, kh, kw, sh, sw, pad, seed }) => {
      // tfjs computes output shapes of numeric paddings for square kernels and strides only, on every backend
      const square = typeof pad === 'number'
      const strides: [number, number] = [sh, square ? sh : sw]
      const run = (x?: core.Tensor, filter?: core.Tensor) =>
        core.conv2d(must(x, 'x') as core.Tensor4D, must(filter, 'filter') as core.Tensor4D, strides, pad)
      expect(
        await distance({
          shapes: [
            [n, h, w, i],
            [kh, square ? kh : kw, i, o],
          ],
          run,
          seed,
        }),
      ).toBeLessThan(LIMIT)
    }),
    { numRuns: 150 },
  )
})

test('[CMP-1] transposed convolution gradients equal those of the CPU backend', async () => {
  const parameters = fc.record({ n: small, h: size, i: small, o: small, k: small, s: small, seed: fc.nat() })
  await fc.assert(
    fc.asyncProperty(parameters, async ({ n, h, i, o, k, s, seed }) => {
      const run = (x?: core.Tensor, filter?: core.Tensor) =>
        core.conv2dTranspose(must(x, 'x') as core.Tensor4D, must(filter, 'filter') as core.Tensor4D, [n, h * s, h * s, o], s, 'same')
      expect(
        await distance({
          shapes: [
            [n, h, h, i],
            [k, k, o, i],
          ],
          run,
          seed,
        }),
      ).toBeLessThan(LIMIT)
    }),
    { numRuns: 40 },
  )
})

test('[CMP-1] depthwise convolution gradients equal those of the CPU backend', async () => {
  const parameters = fc.record({
    n: small,
    h: size,
    w: size,
    i: small,
    m: small,
    k: small,
    s: small,
    pad: fc.constantFrom<'same' | 'valid'>('same', 'valid'),
    seed: fc.nat(),
  })
  await fc.assert(
    fc.asyncProperty(parameters, async ({ n, h, w, i, m, k, s, pad, seed }) => {
      const run = (x?: core.Tensor, filter?: core.Tensor) =>
        core.depthwiseConv2d(must(x, 'x') as core.Tensor4D, must(filter, 'filter') as core.Tensor4D, s, pad)
      expect(
        await distance({
          shapes: [
            [n, h, w, i],
            [k, k, i, m],
          ],
          run,
          seed,
        }),
      ).toBeLessThan(LIMIT)
    }),
    { numRuns: 60 },
  )
})

test('[CMP-1] matrix products in every transposition, with and without batches', async () => {
  const parameters = fc.record({ b: fc.option(small), m: size, k: size, n: size, ta: fc.boolean(), tb: fc.boolean(), seed: fc.nat() })
  await fc.assert(
    fc.asyncProperty(parameters, async ({ b, m, k, n, ta, tb, seed }) => {
      const outer = b === null ? [] : [b]
      const shapes = [
        [...outer, ...(ta ? [k, m] : [m, k])],
        [...outer, ...(tb ? [n, k] : [k, n])],
      ]
      expect(await distance({ shapes, run: (x, y) => core.matMul(must(x, 'a'), must(y, 'b'), ta, tb), seed })).toBeLessThan(LIMIT)
    }),
    { numRuns: 60 },
  )
})

test('[CMP-1] pooling gradients go to the same input on ties', async () => {
  const parameters = fc.record({
    n: small,
    h: size,
    w: size,
    c: small,
    k: small,
    s: small,
    pad: fc.constantFrom<'same' | 'valid'>('same', 'valid'),
    seed: fc.nat(),
  })
  await fc.assert(
    fc.asyncProperty(parameters, async ({ n, h, w, c, k, s, pad, seed }) => {
      // rounded, so that windows often hold their maximum more than once
      const run = (x?: core.Tensor) => core.maxPool(core.relu(must(x, 'x')) as core.Tensor4D, k, s, pad)
      expect(await distance({ shapes: [[n, h, w, c]], run, seed })).toBeLessThan(LIMIT)
    }),
    { numRuns: 60 },
  )
})

test('[CMP-1] gather gradients, which embeddings need', async () => {
  const parameters = fc.record({ rows: size, width: small, ids: fc.array(fc.nat(100), { minLength: 1, maxLength: 12 }), seed: fc.nat() })
  await fc.assert(
    fc.asyncProperty(parameters, async ({ rows, width, ids, seed }) => {
      const run = (x?: core.Tensor) =>
        core.gather(
          must(x, 'x'),
          core.tensor1d(
            ids.map((id) => id % rows),
            'int32',
          ),
        )
      expect(await distance({ shapes: [[rows, width]], run, seed })).toBeLessThan(LIMIT)
    }),
    { numRuns: 40 },
  )
})
