import { fromUtf8, utf8, type Bytes, concatBytes } from '../core/bytes.ts'
import { AppError } from '../core/errors.ts'
import { DTYPES, isDtype, shapeMismatch, sizeOf, type TensorData, tensorBytes, tensorFromBytes } from './tensor.ts'

/** Element types of what goes into a model and comes out of it. Weights have fewer: see Dtype. */
export const MODEL_DTYPES = [...DTYPES, 'int64', 'string'] as const
export type ModelDtype = (typeof MODEL_DTYPES)[number]

/** The Open Inference Protocol's names for them, which signatures use. */
export const DATATYPE_OF = { float32: 'FP32', int32: 'INT32', uint8: 'UINT8', bool: 'BOOL', int64: 'INT64', string: 'BYTES' } as const
export type Datatype = (typeof DATATYPE_OF)[ModelDtype]

const DTYPE_OF = Object.fromEntries(MODEL_DTYPES.map((dtype) => [DATATYPE_OF[dtype], dtype])) as Record<Datatype, ModelDtype>
export const dtypeOf = (datatype: Datatype): ModelDtype => DTYPE_OF[datatype]

export const isModelDtype = (value: unknown): value is ModelDtype => MODEL_DTYPES.some((dtype) => dtype === value)

export type Int64Tensor = { readonly dtype: 'int64'; readonly shape: readonly number[]; readonly data: BigInt64Array<ArrayBuffer> }
export type StringTensor = { readonly dtype: 'string'; readonly shape: readonly number[]; readonly data: readonly string[] }

/** An input or output of a model, dense, in row-major order. */
export type ModelTensor = TensorData | Int64Tensor | StringTensor

/** The tensor as one of numbers. Throws shape_mismatch for text and 64-bit integers. */
export function asNumbers(tensor: ModelTensor, name: string): TensorData {
  if (tensor.dtype === 'int64' || tensor.dtype === 'string') throw shapeMismatch(name, 'float32, int32, uint8 or bool', tensor.dtype)
  return tensor
}

/** Little-endian values; texts as the protocol's BYTES do it, each with its length in four bytes before it. */
export function modelTensorBytes(tensor: ModelTensor): Bytes {
  if (tensor.dtype === 'string') {
    const parts = tensor.data.flatMap((text) => {
      const bytes = utf8(text)
      const length = new Uint8Array(4)
      new DataView(length.buffer).setUint32(0, bytes.length, true)
      return [length, bytes]
    })
    return concatBytes(parts)
  }
  if (tensor.dtype !== 'int64') return tensorBytes(tensor)
  const bytes = new Uint8Array(tensor.data.length * 8)
  const view = new DataView(bytes.buffer)
  for (const [i, value] of tensor.data.entries()) view.setBigInt64(i * 8, value, true)
  return bytes
}

/** The reverse. Throws shape_mismatch when bytes and shape do not fit, invalid_document for bytes that are no text. */
export function modelTensorFromBytes(dtype: ModelDtype, shape: readonly number[], bytes: Uint8Array, name = 'tensor'): ModelTensor {
  if (isDtype(dtype)) return tensorFromBytes(dtype, shape, bytes, name)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const size = sizeOf(shape)
  if (dtype === 'int64') {
    if (bytes.length !== size * 8) throw shapeMismatch(name, `${size * 8} bytes`, `${bytes.length} bytes`)
    return { dtype, shape: [...shape], data: BigInt64Array.from({ length: size }, (_, i) => view.getBigInt64(i * 8, true)) }
  }
  const data: string[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 <= bytes.length ? at + 4 + view.getUint32(at, true) : Number.POSITIVE_INFINITY
    if (end > bytes.length || data.length === size) throw shapeMismatch(name, `${size} texts`, `${bytes.length} bytes that are not`)
    try {
      data.push(fromUtf8(bytes.subarray(at + 4, end)))
    } catch (cause) {
      throw new AppError('invalid_document', `text ${data.length} of ${name} is not UTF-8`, { cause })
    }
    at = end
  }
  if (data.length !== size) throw shapeMismatch(name, `${size} texts`, `${data.length}`)
  return { dtype, shape: [...shape], data }
}

/** The first example of a batch; a tensor without axes is what it is. */
export function firstExample(tensor: ModelTensor): ModelTensor {
  const [batch] = tensor.shape
  if (batch === undefined || batch <= 1) return tensor
  return { ...tensor, shape: [1, ...tensor.shape.slice(1)], data: tensor.data.slice(0, tensor.data.length / batch) } as ModelTensor
}
