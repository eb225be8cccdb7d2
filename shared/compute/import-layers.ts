import { concatBytes } from '../core/bytes.ts'
import { AppError } from '../core/errors.ts'
import type { JsonObject } from '../core/json.ts'
import { unwrap } from '../core/result.ts'
import type { TfjsModel } from '../formats/tfjs-files.ts'
import { type NamedTensors, tensorBytes } from '../tensor/tensor.ts'
import { startBackend } from './backends.ts'
import { getWeights } from './model.ts'
import { loadLayersModel } from './tf.ts'

/**
 * A layers model from its files as Shoal keeps one: the configuration that tfjs prints, and every weight in full, since it may be trained. Throws
 * invalid_document, unsupported_op for a kind of layer that tfjs does not have.
 */
export async function importLayers({ json, weights, tensors }: TfjsModel): Promise<{ topology: JsonObject; tensors: NamedTensors }> {
  unwrap(await startBackend('cpu'))
  const weightData = concatBytes(weights.flatMap(({ name }) => (tensors[name] === undefined ? [] : [tensorBytes(tensors[name])]))).buffer
  const modelTopology = structuredClone(json.modelTopology) as object
  try {
    const built = await loadLayersModel({ load: () => Promise.resolve({ modelTopology, weightSpecs: [...weights] as never, weightData }) })
    try {
      const topology = built.toJSON(undefined, false) as unknown as JsonObject
      return { topology, tensors: await getWeights(built) }
    } finally {
      built.dispose()
    }
  } catch (thrown) {
    if (thrown instanceof AppError) throw thrown
    const why = thrown instanceof Error ? thrown.message : String(thrown)
    throw new AppError(
      /Unknown (layer|activation|initializer|regularizer|constraint)/.test(why) ? 'unsupported_op' : 'invalid_document',
      `tfjs cannot build this layers model: ${why.slice(0, 500)}`,
      { cause: thrown },
    )
  }
}
