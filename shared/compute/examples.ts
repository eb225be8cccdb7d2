import { must } from '../core/assert.ts'
import { AppError } from '../core/errors.ts'
import type { Random } from '../core/random.ts'
import { shapeMismatch, sizeOf } from '../tensor/tensor.ts'

/** Many examples in one array, [n, ...]: 60,000 images of 28x28 bytes stay 47 MB. */
export type Examples = { readonly data: Uint8Array | Float32Array | Int32Array; readonly shape: readonly number[] }

/** Class numbers, 0 or 1, or values to predict: one for each example. */
export type Labels = Uint8Array | Int32Array | Float32Array

/**
 * Turns the stored values of one batch into what the model takes. `raw` holds the batch's examples one after another; `out` is to be filled
 * likewise. `random` is there for augmentation; undefined when the model is only evaluated.
 */
export type BatchTransform = (raw: Uint8Array | Float32Array | Int32Array, out: Float32Array, random: Random | undefined) => void

/** out = raw * scale + offset. */
export const affine =
  (scale: number, offset = 0): BatchTransform =>
  (raw, out) => {
    for (let i = 0; i < raw.length; i++) out[i] = (raw[i] as number) * scale + offset
  }

export const asIs: BatchTransform = (raw, out) => out.set(raw)

export const countOf = (examples: Examples): number => examples.shape[0] ?? 0

/** Throws shape_mismatch unless data, shape and the number of labels agree. */
export function checkExamples(name: string, examples: Examples, labels: Labels | undefined): void {
  if (examples.data.length !== sizeOf(examples.shape))
    throw shapeMismatch(name, `${sizeOf(examples.shape)} values for [${examples.shape.join(',')}]`, `${examples.data.length}`)
  if (labels !== undefined && labels.length !== countOf(examples))
    throw shapeMismatch(`${name} labels`, `${countOf(examples)} values`, `${labels.length}`)
  if (countOf(examples) === 0) throw new AppError('invalid_input', `${name} holds no example`)
}

/** The examples at `indices`, gathered and transformed, as values of shape [indices.length, ...]. */
export function gatherBatch(
  examples: Examples,
  indices: ArrayLike<number>,
  transform: BatchTransform,
  random?: Random,
): Float32Array<ArrayBuffer> {
  const raw = rawBatch(examples, indices.length)
  const out = new Float32Array(raw.length)
  gatherInto(examples, indices, raw, out, transform, random)
  return out
}

/** Room for `count` examples as they are stored. */
export const rawBatch = ({ data, shape }: Examples, count: number): Examples['data'] =>
  new (data.constructor as new (length: number) => Examples['data'])(count * sizeOf(shape.slice(1)))

/** As gatherBatch, into arrays that hold exactly this batch. */
export function gatherInto(
  { data, shape }: Examples,
  indices: ArrayLike<number>,
  raw: Examples['data'],
  out: Float32Array,
  transform: BatchTransform,
  random?: Random,
): void {
  const size = sizeOf(shape.slice(1))
  for (let i = 0; i < indices.length; i++) {
    const from = must(indices[i], 'an index of the batch') * size
    raw.set(data.subarray(from, from + size), i * size)
  }
  transform(raw, out, random)
}
