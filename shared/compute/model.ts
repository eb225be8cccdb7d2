import { AppError } from '../core/errors.ts'
import type { Json, JsonObject } from '../core/json.ts'
import type { ModelTensor } from '../tensor/model-tensor.ts'
import { type NamedTensors, sizeOf, type TensorData, shapeMismatch } from '../tensor/tensor.ts'
import { describe, expectTensor } from '../tensor/tensor.ts'
import { repairLayers } from './layer-repairs.ts'
import { allFinite } from './finite.ts'
import { type LayersModel, loadLayersModel, type Tensor, tensor } from './tf.ts'

/** The architecture of a layers model as JSON: what tfjs prints with `model.toJSON(null, false)`. */
export type Topology = JsonObject

/** Tells each initializer that a topology names to draw nothing: a million random weights take longer than to load a model that overwrites them. */
const withoutDraws = (value: Json, isInitializer = false): Json => {
  if (typeof value !== 'object' || value === null) return value
  if (isInitializer) return { class_name: 'Zeros', config: {} }
  if (Array.isArray(value)) return value.map((member) => withoutDraws(member))
  return Object.fromEntries(
    Object.entries(value as JsonObject).map(([key, member]) => [key, withoutDraws(member, key.endsWith('_initializer'))]),
  )
}

/**
 * A model on the current backend, with its initial weights as the topology has them drawn, or, where others take their place (`weights: 'follow'`), with any.
 * Throws invalid_document for a topology that no model can be built from.
 */
export async function buildModel(
  topology: Topology,
  { weights }: { weights: 'drawn' | 'follow' } = { weights: 'drawn' },
): Promise<LayersModel> {
  repairLayers()
  try {
    // the loader rewrites the object it is given
    const modelTopology = (weights === 'follow' ? withoutDraws(topology) : structuredClone(topology)) as object
    return await loadLayersModel({ load: () => Promise.resolve({ modelTopology }) })
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown)
    throw new AppError('invalid_document', `no model can be built from this topology: ${why}`, { cause: thrown })
  }
}

export const toTensor = (value: TensorData): Tensor => tensor(value.data, [...value.shape], value.dtype === 'uint8' ? 'int32' : value.dtype)

/** The values of a tensor. Copied, as backends hand out the array that they keep; not so WASM (`fresh`), whose array is a copy already. */
export async function fromTensor(value: Tensor, fresh = false): Promise<TensorData> {
  const read = await value.data()
  const data = (fresh ? read : read.slice()) as TensorData['data']
  if (value.dtype === 'float32' || value.dtype === 'int32' || value.dtype === 'bool')
    return { dtype: value.dtype, shape: [...value.shape], data }
  throw new AppError('unsupported_op', `a model must answer with float32, int32 or bool, not ${value.dtype}`)
}

/** Also texts, which graph models take and give. 64-bit integers go as 32-bit ones, which is what tfjs computes in. */
export function toModelTensor(value: ModelTensor): Tensor {
  if (value.dtype === 'string') return tensor([...value.data], [...value.shape], 'string')
  if (value.dtype === 'int64') return tensor(Int32Array.from(value.data, Number), [...value.shape], 'int32')
  return toTensor(value)
}

export async function fromModelTensor(value: Tensor): Promise<ModelTensor> {
  if (value.dtype !== 'string') return fromTensor(value)
  return { dtype: 'string', shape: [...value.shape], data: [...(await value.data<'string'>())] }
}

type Weight = LayersModel['weights'][number]

/** A weight's stable name, `layer/kernel`: that of the topology, whatever else this process has built before. */
export const weightName = (weight: Weight): string => weight.originalName

/** Sets every weight. Throws shape_mismatch for one that is missing, unknown, of another shape, or not finite. */
export function setWeights(model: LayersModel, tensors: NamedTensors): void {
  const names = new Set(model.weights.map(weightName))
  for (const name of Object.keys(tensors))
    if (!names.has(name)) throw shapeMismatch(name, 'a weight of the topology', 'a name it does not have')
  for (const weight of model.weights) {
    const name = weightName(weight)
    const expected = { dtype: weight.dtype, shape: weight.shape }
    const value = Object.hasOwn(tensors, name) ? tensors[name] : undefined
    if (value === undefined) throw shapeMismatch(name, describe(expected), 'nothing')
    expectTensor(name, value, expected)
    if (value.dtype === 'float32' && !allFinite(value.data as Float32Array))
      throw shapeMismatch(name, 'finite values', 'NaN or an infinity')
  }
  for (const weight of model.weights) {
    const value = tensors[weightName(weight)]
    if (value === undefined || sizeOf(value.shape) === 0) continue
    const held = toTensor(value)
    weight.write(held)
    held.dispose()
  }
}

/** Every weight by name, in the model's order. */
export async function getWeights(model: LayersModel): Promise<Record<string, TensorData>> {
  const entries = await Promise.all(model.weights.map(async (weight) => [weightName(weight), await fromTensor(weight.read())] as const))
  return Object.fromEntries(entries)
}
