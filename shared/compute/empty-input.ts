import type { ModelTensor } from '../tensor/model-tensor.ts'
import { sizeOf } from '../tensor/tensor.ts'
import type { TensorSpec } from './runtime.ts'

/** One example of zeros for an input of numbers: any size is taken as one. */
export function emptyInput(spec: TensorSpec): ModelTensor {
  const shape = spec.shape.map((size) => size ?? 1)
  const size = sizeOf(shape)
  if (spec.dtype === 'int32') return { dtype: 'int32', shape, data: new Int32Array(size) }
  if (spec.dtype === 'bool' || spec.dtype === 'uint8') return { dtype: spec.dtype, shape, data: new Uint8Array(size) }
  return { dtype: 'float32', shape, data: new Float32Array(size) }
}
