import { AppError } from '../core/errors.ts'

export const DTYPES = ['float32', 'int32', 'uint8', 'bool'] as const
export type Dtype = (typeof DTYPES)[number]

/** Numbers of a tensor. `bool` holds one byte a value, 0 or 1. */
export type TensorValues = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>

/** A dense tensor in row-major order, outside any compute library: what is stored, sent and handed to a runtime. */
export type TensorData = { readonly dtype: Dtype; readonly shape: readonly number[]; readonly data: TensorValues }

export type NamedTensors = Readonly<Record<string, TensorData>>

export const BYTES_PER_VALUE = { float32: 4, int32: 4, uint8: 1, bool: 1 } as const satisfies Record<Dtype, number>

export const isDtype = (value: unknown): value is Dtype => DTYPES.some((dtype) => dtype === value)

export const isDimension = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

/** The number of values of a shape; 1 for a scalar. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((size, dimension) => size * dimension, 1)

export const bytesOf = (tensor: { readonly dtype: Dtype; readonly shape: readonly number[] }): number =>
  sizeOf(tensor.shape) * BYTES_PER_VALUE[tensor.dtype]

/** `float32[32,28,28,1]`, `?` for a dimension that may be anything. */
export const describe = (tensor: { readonly dtype: Dtype | string; readonly shape: readonly (number | null)[] }): string =>
  `${tensor.dtype}[${tensor.shape.map((dimension) => dimension ?? '?').join(',')}]`

export function shapeMismatch(name: string, expected: string, got: string): AppError {
  return new AppError('shape_mismatch', `tensor ${name} must be ${expected}, got ${got}`, {
    issues: [{ where: name, what: `expected ${expected}, got ${got}` }],
  })
}

const VIEW = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array, bool: Uint8Array } as const

/** A tensor whose data, dtype and shape agree. Throws shape_mismatch (with `name`) when they do not. */
export function makeTensor(dtype: Dtype, shape: readonly number[], data: TensorValues, name = 'tensor'): TensorData {
  if (shape.some((dimension) => !isDimension(dimension)))
    throw shapeMismatch(name, 'a shape of non-negative integers', `[${shape.join(',')}]`)
  if (!(data instanceof VIEW[dtype])) throw shapeMismatch(name, `${dtype} data`, data.constructor.name)
  if (data.length !== sizeOf(shape))
    throw shapeMismatch(name, `${sizeOf(shape)} values for ${describe({ dtype, shape })}`, `${data.length} values`)
  return { dtype, shape: [...shape], data }
}

/** Throws shape_mismatch unless the tensor has this dtype and shape; null in `shape` allows any size there. */
export function expectTensor(
  name: string,
  tensor: { readonly dtype: string; readonly shape: readonly number[]; readonly data: { readonly length: number } },
  expected: { readonly dtype: Dtype | string; readonly shape: readonly (number | null)[] },
): void {
  const fits =
    tensor.dtype === expected.dtype &&
    tensor.shape.length === expected.shape.length &&
    expected.shape.every((dimension, axis) => dimension === null || dimension === tensor.shape[axis])
  if (!fits) throw shapeMismatch(name, describe(expected), describe(tensor))
  if (tensor.data.length !== sizeOf(tensor.shape))
    throw shapeMismatch(name, `${sizeOf(tensor.shape)} values`, `${tensor.data.length} values`)
}

const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1

/** Reverses the bytes of each value in place, on the rare host that is not little-endian. */
function toLittleEndian(bytes: Uint8Array<ArrayBuffer>, width: number): Uint8Array<ArrayBuffer> {
  if (LITTLE_ENDIAN || width === 1) return bytes
  for (let at = 0; at < bytes.length; at += width) bytes.subarray(at, at + width).reverse()
  return bytes
}

/** The values as little-endian bytes: a view where the host allows it, so do not write to it. */
export function tensorBytes(tensor: TensorData): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = tensor.data
  const bytes = new Uint8Array(buffer, byteOffset, byteLength)
  return LITTLE_ENDIAN ? bytes : toLittleEndian(bytes.slice(), BYTES_PER_VALUE[tensor.dtype])
}

/** A tensor over a copy of little-endian bytes. Throws shape_mismatch when their number does not fit. */
export function tensorFromBytes(dtype: Dtype, shape: readonly number[], bytes: Uint8Array, name = 'tensor'): TensorData {
  if (bytes.length !== bytesOf({ dtype, shape }))
    throw shapeMismatch(name, `${bytesOf({ dtype, shape })} bytes for ${describe({ dtype, shape })}`, `${bytes.length} bytes`)
  const copy = toLittleEndian(new Uint8Array(bytes), BYTES_PER_VALUE[dtype])
  return makeTensor(dtype, shape, new VIEW[dtype](copy.buffer), name)
}
