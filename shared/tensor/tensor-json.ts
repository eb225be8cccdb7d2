import * as z from 'zod/mini'
import { fromBase64, toBase64 } from '../core/bytes.ts'
import { AppError } from '../core/errors.ts'
import { MODEL_DTYPES, type ModelTensor, modelTensorBytes, modelTensorFromBytes } from './model-tensor.ts'

/** What a tensor is, without its values. */
export const tensorForm = { dtype: z.enum(MODEL_DTYPES), shape: z.array(z.int().check(z.nonnegative())).check(z.maxLength(16)) }

/** A small tensor inside a JSON document: `data` is the base64 of its bytes (see modelTensorBytes). */
export const encodedTensorSchema = z.object({ ...tensorForm, data: z.string().check(z.maxLength(2_000_000)) })

export type EncodedTensor = z.infer<typeof encodedTensorSchema>

export const encodeTensor = (tensor: ModelTensor): EncodedTensor => ({
  dtype: tensor.dtype,
  shape: [...tensor.shape],
  data: toBase64(modelTensorBytes(tensor)),
})

/** Throws invalid_document for text that is not base64, shape_mismatch when its length does not fit the shape. */
export function decodeTensor(encoded: EncodedTensor, name = 'tensor'): ModelTensor {
  let bytes: Uint8Array
  try {
    bytes = fromBase64(encoded.data)
  } catch (thrown) {
    throw new AppError('invalid_document', `the data of ${name} is not base64`, { cause: thrown })
  }
  return modelTensorFromBytes(encoded.dtype, encoded.shape, bytes, name)
}
