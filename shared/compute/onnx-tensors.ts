import type { Tensor } from 'onnxruntime-web'
import { AppError } from '../core/errors.ts'
import type { ModelDtype, ModelTensor } from '../tensor/model-tensor.ts'

/** What apps pass and get for each element type of an ONNX port. Narrow types go as the next wider one that Shoal has. */
export const MODEL_TYPE_OF: Readonly<Record<string, ModelDtype>> = {
  float32: 'float32',
  float16: 'float32',
  float64: 'float32',
  int8: 'int32',
  int16: 'int32',
  uint16: 'int32',
  int32: 'int32',
  uint8: 'uint8',
  bool: 'bool',
  int64: 'int64',
  string: 'string',
}

type HalfFloats = { from(values: ArrayLike<number>): ArrayLike<number> }

function halfFloats(): HalfFloats {
  const found = (globalThis as { Float16Array?: HalfFloats }).Float16Array
  if (found === undefined) throw new AppError('unsupported_op', 'this host has no 16-bit floats, which the model takes')
  return found
}

/** A tensor's values as onnxruntime wants them for an input of this type. */
export function valuesFor(type: string, { data }: ModelTensor): unknown {
  const numbers = data as ArrayLike<number>
  if (type === 'float16') return halfFloats().from(numbers)
  if (type === 'float64') return Float64Array.from(numbers)
  if (type === 'int8') return Int8Array.from(numbers)
  if (type === 'int16') return Int16Array.from(numbers)
  if (type === 'uint16') return Uint16Array.from(numbers)
  return data
}

/** An answer of onnxruntime. Throws unsupported_op for a type that apps cannot be given. */
export async function toModelTensor(tensor: Tensor): Promise<ModelTensor> {
  const dtype = MODEL_TYPE_OF[tensor.type]
  const shape = [...tensor.dims]
  const data = (await tensor.getData()) as unknown
  if (dtype === 'float32') {
    if (tensor.type === 'float16' && data instanceof Uint16Array) halfFloats()
    return {
      dtype,
      shape,
      data: tensor.type === 'float32' ? (data as Float32Array<ArrayBuffer>) : Float32Array.from(data as ArrayLike<number>),
    }
  }
  if (dtype === 'int32')
    return { dtype, shape, data: tensor.type === 'int32' ? (data as Int32Array<ArrayBuffer>) : Int32Array.from(data as ArrayLike<number>) }
  if (dtype === 'uint8' || dtype === 'bool') return { dtype, shape, data: data as Uint8Array<ArrayBuffer> }
  if (dtype === 'int64') return { dtype, shape, data: data as BigInt64Array<ArrayBuffer> }
  if (dtype === 'string') return { dtype, shape, data: data as string[] }
  throw new AppError('unsupported_op', `the model answers with ${tensor.type}, which no app can be given`)
}
