import { cnn } from '../../../shared/compute/architectures.ts'
import { startBackend } from '../../../shared/compute/backends.ts'
import type { RuntimeModel } from '../../../shared/compute/load-runtime.ts'
import { getWeights, type Topology } from '../../../shared/compute/model.ts'
import { buildSeededModel } from '../../../shared/compute/seeded-model.ts'
import { must } from '../../../shared/core/assert.ts'
import type { JsonObject } from '../../../shared/core/json.ts'
import { seededRandom } from '../../../shared/core/random.ts'
import { unwrap } from '../../../shared/core/result.ts'
import { cutOnnxFile } from '../../../shared/formats/onnx-cuts.ts'
import { readOnnxFile } from '../../../shared/formats/onnx-file.ts'
import { readTfjsModel } from '../../../shared/formats/tfjs-files.ts'
import type { ModelTensor } from '../../../shared/tensor/model-tensor.ts'
import { sizeOf, type TensorData } from '../../../shared/tensor/tensor.ts'
import { asOnnx, transposed } from './as-onnx.ts'
import { mobileNet } from './mobile-net.ts'
import type { ModelName } from './names.ts'

export type BenchModel = {
  readonly source: RuntimeModel
  readonly inputs: readonly ModelTensor[]
  /** The same model for onnxruntime, where there is one, with the same inputs. */
  readonly onnx?: { readonly file: Uint8Array<ArrayBuffer>; readonly inputs: readonly ModelTensor[] }
}

/** An input as images and sound are: between 0 and 1. */
function inputOf(shape: readonly number[]): TensorData {
  const random = seededRandom(7)
  return { dtype: 'float32', shape, data: Float32Array.from({ length: sizeOf(shape) }, () => random.uniform()) }
}

async function drawn(topology: Topology): Promise<RuntimeModel> {
  unwrap(await startBackend('cpu'))
  const built = await buildSeededModel(topology, 1)
  const tensors = await getWeights(built)
  built.dispose()
  return { topology, tensors }
}

const digits = cnn({
  inputShape: [28, 28, 1],
  classes: 10,
  blocks: [
    { filters: 16, kernel: 3, pool: 2 },
    { filters: 32, kernel: 3, pool: 2 },
  ],
  hidden: [64],
})

/** A layers model with weights drawn from a seed, and itself in ONNX, which takes channels before height and width. */
async function layersModel(topology: Topology, shape: readonly number[]): Promise<BenchModel> {
  const source = await drawn(topology)
  const input = inputOf(shape)
  return { source, inputs: [input], onnx: { file: asOnnx(topology, source.tensors), inputs: [transposed(input, [0, 3, 1, 2])] } }
}

const fetched = async (url: string): Promise<Uint8Array<ArrayBuffer>> => new Uint8Array(await (await fetch(url)).arrayBuffer())

/** A voice detector: 32 ms of sound at 16 kHz, and the state that it answered with before. */
async function silero(url: string): Promise<BenchModel> {
  const file = await fetched(url)
  const inputs = [
    inputOf([1, 512]),
    { dtype: 'float32', shape: [2, 1, 128], data: new Float32Array(256) },
    { dtype: 'int64', shape: [], data: BigInt64Array.of(16000n) },
  ] as const
  return { source: { format: 'onnx', ...cutOnnxFile(file, readOnnxFile(file)) }, inputs, onnx: { file, inputs } }
}

/** The models of the bench, made or fetched in the page. */
export async function benchModel(name: ModelName, root: string): Promise<BenchModel> {
  if (name === 'digits') return layersModel(digits, [1, 28, 28, 1])
  if (name === 'mobile-net') return layersModel(mobileNet(), [1, 224, 224, 3])
  const version = /^silero-(v\d)$/.exec(name)?.[1]
  if (version !== undefined) return silero(`${root}node_modules/@ricky0123/vad-web/dist/silero_vad_${version}.onnx`)
  const files = await Promise.all(
    ['model.json', 'group1-shard1of1.bin'].map(async (file) => ({
      name: file,
      bytes: await fetched(`${root}node_modules/@spotify/basic-pitch/model/${file}`),
    })),
  )
  const [description, ...rest] = files
  const { json, weights, tensors } = readTfjsModel(must(description, 'model.json'), rest)
  const { modelTopology, signature } = json
  const topology = { modelTopology, ...(signature ? { signature } : {}), weights } as unknown as JsonObject
  return { source: { format: 'tfjs-graph', topology, tensors }, inputs: [inputOf([1, 43844, 1])] }
}
