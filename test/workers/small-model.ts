import { cnn } from '../../shared/compute/architectures.ts'
import { startBackend } from '../../shared/compute/backends.ts'
import { getWeights } from '../../shared/compute/model.ts'
import { loadRuntime } from '../../shared/compute/load-runtime.ts'
import { buildSeededModel } from '../../shared/compute/seeded-model.ts'
import { makeSelfTest } from '../../shared/compute/self-test.ts'
import { must } from '../../shared/core/assert.ts'
import { unwrap } from '../../shared/core/result.ts'
import { asNumbers } from '../../shared/tensor/model-tensor.ts'
import type { NamedTensors } from '../../shared/tensor/tensor.ts'
import { encodeTensor } from '../../shared/tensor/tensor-json.ts'
import type { RunnableManifest } from '../../shared/worker/inference-api.ts'

const SIZE = 8
const CLASSES = 4
const network = (filters: number) =>
  cnn({ inputShape: [SIZE, SIZE, 1], classes: CLASSES, blocks: [{ filters, kernel: 3 }], hidden: [2 * filters] })

export const pixels = Uint8Array.from({ length: SIZE * SIZE }, (_, i) => (i * 37) % 256)

/** A small network made here, with what its manifest says about it. `spoil` other than 0 changes its golden outputs; more `filters` make it slower. */
export async function makeModel(
  spoil = 0,
  seed = 4,
  filters = 4,
): Promise<{ manifest: RunnableManifest; tensors: NamedTensors; expected(pixels: Uint8Array): Promise<Float32Array> }> {
  const topology = network(filters)
  unwrap(await startBackend('cpu'))
  const model = await buildSeededModel(topology, seed)
  const tensors = await getWeights(model)
  model.dispose()
  const runtime = await loadRuntime({ topology, tensors }, 'cpu')
  const golden = {
    dtype: 'float32' as const,
    shape: [2, SIZE, SIZE, 1],
    data: Float32Array.from({ length: 2 * SIZE * SIZE }, (_, i) => (i % 7) / 7),
  }
  const made = await makeSelfTest(runtime, [golden])
  const input = encodeTensor(golden)
  const output = must(
    (spoil === 0 ? made : await makeSelfTest(runtime, [{ ...golden, data: golden.data.map((x) => x * spoil) }])).outputs[0],
    'an output',
  )
  const manifest: RunnableManifest = {
    topology,
    signature: {
      inputs: [{ name: 'image', datatype: 'FP32', shape: [-1, SIZE, SIZE, 1] }],
      outputs: [{ name: 'probabilities', datatype: 'FP32', shape: [-1, CLASSES] }],
    },
    transforms: [{ kind: 'image-scale', input: 'image', height: SIZE, width: SIZE, channels: 1, mean: [0], deviation: [1] }],
    monitors: 'image',
    labels: ['a', 'b', 'c', 'd'],
    selfTest: { input, output, tolerance: made.tolerance },
    requires: { runtime: 'tfjs-layers', shoal: '0.1.0' },
  }
  const expected = async (pixels: Uint8Array) => {
    const [answer] = await runtime.predict([
      { dtype: 'float32', shape: [1, SIZE, SIZE, 1], data: Float32Array.from(pixels, (byte) => byte / 255) },
    ])
    return Float32Array.from(asNumbers(must(answer, 'an answer'), 'answer').data)
  }
  return { manifest, tensors, expected }
}
