import * as z from 'zod/mini'
import { fromBase64, toBase64 } from '../core/bytes.ts'
import { AppError } from '../core/errors.ts'
import { DTYPES, type TensorData, tensorBytes, tensorFromBytes } from './tensor.ts'

/** A small tensor inside a JSON document: `data` is the base64 of its little-endian bytes. */
export const encodedTensorSchema = z.strictObject({
  dtype: z.enum(DTYPES),
  shape: z.array(z.int().check(z.nonnegative())).check(z.maxLength(16)),
  data: z.string(),
})

export type EncodedTensor = z.infer<typeof encodedTensorSchema>

export const encodeTensor = (tensor: TensorData): EncodedTensor => ({
  dtype: tensor.dtype,
  shape: [...tensor.shape],
  data: toBase64(tensorBytes(tensor)),
})

/** Throws invalid_document for text that is not base64, shape_mismatch when its length does not fit the shape. */
export function decodeTensor(encoded: EncodedTensor, name = 'tensor'): TensorData {
  let bytes: Uint8Array
  try {
    bytes = fromBase64(encoded.data)
  } catch (thrown) {
    throw new AppError('invalid_document', `the data of ${name} is not base64`, { cause: thrown })
  }
  return tensorFromBytes(encoded.dtype, encoded.shape, bytes, name)
}
