import { linear } from '../../../shared/compute/architectures.ts'
import { startBackend } from '../../../shared/compute/backends.ts'
import { loadRuntime } from '../../../shared/compute/load-runtime.ts'
import { makeSelfTest } from '../../../shared/compute/self-test.ts'
import { unwrap } from '../../../shared/core/result.ts'
import { makePieces } from '../../../shared/tensor/pieces.ts'
import type { NamedTensors } from '../../../shared/tensor/tensor.ts'
import { draftFixture } from '../../fixtures/manifest-draft.ts'
import { wasmPath } from '../../shared/compute/node-backend.ts'
import type { DigitModel } from '../../simulator/digit-model.ts'

/** A version that takes rows: `width` minus 3 (missing: 0) and whether `colour` is red speak for a tulip, evenly. Labels rose and tulip. */
export async function rowModel(): Promise<DigitModel> {
  const tensors: NamedTensors = {
    // of width, of red, of any other colour, each on rose and on tulip
    'output/kernel': { dtype: 'float32', shape: [3, 2], data: Float32Array.of(-1, 1, -1, 1, 1, -1) },
    'output/bias': { dtype: 'float32', shape: [2], data: Float32Array.of(0, 0) },
  }
  const topology = linear({ inputShape: [3], classes: 2 })
  unwrap(await startBackend('wasm', { wasmPath }))
  const runtime = await loadRuntime({ topology, tensors }, 'wasm', { wasmPath })
  const test = await makeSelfTest(runtime, [{ dtype: 'float32', shape: [2, 3], data: Float32Array.of(1, 0, 1, -1, 1, 0) }])
  runtime.dispose()
  const made = await makePieces(tensors)
  const { draft } = await draftFixture()
  return {
    pieces: made.pieces,
    draft: {
      ...draft,
      topology,
      tensors: made.tensors.map((entry) => ({ ...entry, shape: [...entry.shape] })),
      pieces: made.pieces.map(({ digest, bytes }) => ({ digest, bytes: bytes.length })),
      signature: {
        inputs: [{ name: 'row', datatype: 'FP32', shape: [-1, 3] }],
        outputs: [{ name: 'kinds', datatype: 'FP32', shape: [-1, 2] }],
      },
      transforms: [
        { kind: 'standardize', input: 'width', mean: 3, deviation: 1, missing: 0 },
        { kind: 'one-hot', input: 'colour', values: ['red'] },
      ],
      labels: ['rose', 'tulip'],
      selfTest: test,
    },
  }
}

/** What `rowModel` must answer for tulip: the softmax of two opposite sums. */
export const tulip = (width: number | null, colour: string): number =>
  1 / (1 + Math.exp(-2 * ((width === null ? 0 : width - 3) + (colour === 'red' ? 1 : -1))))
