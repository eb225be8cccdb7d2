import { cnn } from '../../../shared/compute/architectures.ts'
import { startBackend } from '../../../shared/compute/backends.ts'
import type { RuntimeModel } from '../../../shared/compute/load-runtime.ts'
import { getWeights, type Topology } from '../../../shared/compute/model.ts'
import { buildSeededModel } from '../../../shared/compute/seeded-model.ts'
import { must } from '../../../shared/core/assert.ts'
import type { JsonObject } from '../../../shared/core/json.ts'
import { seededRandom } from '../../../shared/core/random.ts'
import { unwrap } from '../../../shared/core/result.ts'
import { readTfjsModel } from '../../../shared/formats/tfjs-files.ts'
import { sizeOf, type TensorData } from '../../../shared/tensor/tensor.ts'
import { mobileNet } from './mobile-net.ts'

export const MODELS = ['digits', 'basic-pitch', 'mobile-net'] as const
export type ModelName = (typeof MODELS)[number]

export type BenchModel = { readonly source: RuntimeModel; readonly input: TensorData }

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

/** The models of the bench, made or fetched in the page. */
export async function benchModel(name: ModelName, root: string): Promise<BenchModel> {
  if (name === 'digits') return { source: await drawn(digits), input: inputOf([1, 28, 28, 1]) }
  if (name === 'mobile-net') return { source: await drawn(mobileNet()), input: inputOf([1, 224, 224, 3]) }
  const files = await Promise.all(
    ['model.json', 'group1-shard1of1.bin'].map(async (file) => {
      const response = await fetch(`${root}node_modules/@spotify/basic-pitch/model/${file}`)
      return { name: file, bytes: new Uint8Array(await response.arrayBuffer()) }
    }),
  )
  const [description, ...rest] = files
  const { json, weights, tensors } = readTfjsModel(must(description, 'model.json'), rest)
  const { modelTopology, signature } = json
  const topology = { modelTopology, ...(signature ? { signature } : {}), weights } as unknown as JsonObject
  return { source: { format: 'tfjs-graph', topology, tensors }, input: inputOf([1, 43844, 1]) }
}
