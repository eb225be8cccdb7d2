import { must } from '../core/assert.ts'
import { AppError } from '../core/errors.ts'
import { seededRandom } from '../core/random.ts'
import { fail, ok, type Result, unwrap } from '../core/result.ts'
import { type BackendName, type BackendOptions, startBackend, useBackend } from './backends.ts'
import {
  add,
  conv2d,
  grads,
  logSoftmax,
  matMul,
  maxPool,
  mean,
  mul,
  neg,
  relu,
  reshape,
  type Scalar,
  sub,
  sum,
  type Tensor,
  type Tensor4D,
  tensor,
  tidy,
} from './tf.ts'
import { compileAhead } from './webgpu-backend.ts'

/** Largest relative L2 distance from the CPU backend that a backend may show. Float32 rounding in another order stays below 1e-6 here. */
export const PARITY_TOLERANCE = 1e-4

const PARTS = ['input gradient', 'filter gradient', 'dense gradient', 'filter after a step', 'dense after a step', 'forward'] as const

const BATCH = 3
const SIZE = 8
const CLASSES = 4

/** A strided convolution, pooling and a dense layer on fixed numbers: their outputs, gradients, and weights after one SGD step. */
async function reference(backend: BackendName): Promise<Float32Array[]> {
  useBackend(backend)
  if (backend === 'webgpu') await compileAhead(computed)
  useBackend(backend)
  const held = computed()
  const values = await Promise.all(held.map(async (part) => Float32Array.from(await part.data())))
  for (const part of held) part.dispose()
  return values
}

function computed(): Tensor[] {
  const random = seededRandom(20)
  const draw = (shape: number[]): Tensor =>
    tensor(
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.uniform() - 0.5),
      shape,
    )
  return tidy(() => {
    const x = draw([BATCH, SIZE, SIZE, 2])
    const filter = draw([3, 3, 2, 4])
    const weights = draw([9 * 4, CLASSES])
    const targets = tensor(
      Float32Array.from({ length: BATCH * CLASSES }, (_, i) => (i % (CLASSES + 1) === 0 ? 1 : 0)),
      [BATCH, CLASSES],
    )
    const forward = (input: Tensor, kernel: Tensor, dense: Tensor): Tensor => {
      const pooled = maxPool(relu(conv2d(input as Tensor4D, kernel as Tensor4D, 1, 'valid')) as Tensor4D, 2, 2, 'valid')
      return matMul(reshape(pooled, [BATCH, -1]), dense)
    }
    const loss = (input: Tensor, kernel: Tensor, dense: Tensor): Scalar =>
      mean(neg(sum(mul(logSoftmax(forward(input, kernel, dense)), targets), -1))) as Scalar
    const [dx, df, dw] = grads((...args: Tensor[]) => loss(must(args[0], 'x'), must(args[1], 'filter'), must(args[2], 'weights')))([
      x,
      filter,
      weights,
    ])
    const stepped = (value: Tensor, gradient: Tensor | undefined) => sub(value, mul(must(gradient, 'a gradient'), 0.1))
    return [must(dx, 'dx'), must(df, 'df'), must(dw, 'dw'), stepped(filter, df), stepped(weights, dw), add(forward(x, filter, weights), 0)]
  })
}

/** L2 distance relative to what is wanted. */
export function relativeDistance(got: Float32Array, want: Float32Array): number {
  let difference = 0
  let norm = 0
  for (let i = 0; i < want.length; i++) {
    difference += ((got[i] ?? Number.NaN) - (want[i] as number)) ** 2
    norm += (want[i] as number) ** 2
  }
  return Math.sqrt(difference / norm)
}

/** Starts a backend and lets it prove itself against the CPU backend: its largest relative distance, or no_backend naming what differs. */
export async function checkParity(backend: BackendName, options: BackendOptions = {}): Promise<Result<{ distance: number }>> {
  const started = await startBackend(backend, options)
  if (!started.ok) return started
  try {
    const got = await reference(backend)
    unwrap(await startBackend('cpu'))
    const want = await reference('cpu')
    const distances = want.map((values, i) => relativeDistance(must(got[i], 'a part'), values))
    const worst = distances.reduce((at, distance, i) => (distance <= must(distances[at], 'a distance') ? at : i), 0)
    const distance = must(distances[worst], 'a distance')
    if (distance <= PARITY_TOLERANCE) return ok({ distance })
    return fail(
      new AppError(
        'no_backend',
        `${backend} computes a ${PARTS[worst]} that is ${distance} away from the CPU backend's, allowed ${PARITY_TOLERANCE}`,
      ),
    )
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown)
    return fail(new AppError('no_backend', `${backend} could not run the parity check: ${why}`, { cause: thrown }))
  } finally {
    useBackend(backend)
  }
}
