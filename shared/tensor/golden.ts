import * as z from 'zod/mini'
import { seededRandom } from '../core/random.ts'
import type { ModelTensor } from './model-tensor.ts'
import { shapeMismatch, sizeOf } from './tensor.ts'
import { decodeTensor, encodedTensorSchema, encodeTensor, tensorForm } from './tensor-json.ts'

/** One that both sides draw for themselves: floats evenly from [0, 1), integers and booleans 0 or 1. Large inputs cost nothing this way. */
const seeded = z.object({ ...tensorForm, seed: z.int().check(z.minimum(0), z.maximum(2 ** 31 - 1)) })
/** Of a large output only every so-manyth value stands in the document, from the first on; `shape` is that of the whole. */
const sampled = z.extend(encodedTensorSchema, { every: z.optional(z.int().check(z.minimum(1))) })

/** Golden inputs with the outputs expected of them. `tolerance` is relative to max(1, |expected|), by backend. */
export const selfTestSchema = z.object({
  inputs: z.array(z.union([encodedTensorSchema, seeded])).check(z.maxLength(64)),
  outputs: z.array(sampled).check(z.maxLength(64)),
  tolerance: z.object({ webgpu: z.number(), wasm: z.number(), cpu: z.number() }),
})
export type SelfTest = z.infer<typeof selfTestSchema>
export type GoldenInput = SelfTest['inputs'][number]
export type GoldenOutput = SelfTest['outputs'][number]

/** The form of models with one input and one output, which manifests had first. */
export const singleSelfTestSchema = z.object({
  input: encodedTensorSchema,
  output: encodedTensorSchema,
  tolerance: selfTestSchema.shape.tolerance,
})

export const selfTestOf = (document: SelfTest | z.infer<typeof singleSelfTestSchema>): SelfTest =>
  'inputs' in document ? document : { inputs: [document.input], outputs: [document.output], tolerance: document.tolerance }

/** The tensor that a golden input stands for. Throws invalid_document, shape_mismatch. */
export function inputOf(golden: GoldenInput, name: string): ModelTensor {
  if ('data' in golden) return decodeTensor(golden, name)
  const { dtype, shape, seed } = golden
  const random = seededRandom(seed)
  const length = sizeOf(shape)
  if (dtype === 'float32') return { dtype, shape, data: Float32Array.from({ length }, () => random.uniform()) }
  if (dtype === 'string') return { dtype, shape, data: Array.from({ length }, () => String(random.integer(2))) }
  if (dtype === 'int64') return { dtype, shape, data: BigInt64Array.from({ length }, () => BigInt(random.integer(2))) }
  const data = Array.from({ length }, () => random.integer(2))
  return dtype === 'int32' ? { dtype, shape, data: Int32Array.from(data) } : { dtype, shape, data: Uint8Array.from(data) }
}

type Values = readonly number[] | readonly string[]

const valuesOf = (tensor: ModelTensor): Values =>
  tensor.dtype === 'string' ? tensor.data : Array.from(tensor.data as ArrayLike<number | bigint>, Number)

/** An output as it stands in a document: whole, or at most `most` of its values. */
export function goldenOutput(tensor: ModelTensor, most: number): GoldenOutput {
  const every = Math.ceil(sizeOf(tensor.shape) / most)
  if (every <= 1 || tensor.dtype === 'string') return encodeTensor(tensor)
  const kept = tensor.data.filter((_: number | bigint, i: number) => i % every === 0)
  return { ...encodeTensor({ ...tensor, shape: [kept.length], data: kept } as ModelTensor), shape: [...tensor.shape], every }
}

/**
 * The largest difference of `got` from a golden output, relative to max(1, |expected|), and where. A text that differs is infinitely far.
 * Throws shape_mismatch for an output of another shape, invalid_document.
 */
export function differenceFrom(
  golden: GoldenOutput,
  got: ModelTensor,
  name: string,
): { difference: number; at: number; expected: string; got: string } {
  const { dtype, shape, every = 1 } = golden
  const size = sizeOf(shape)
  if (got.data.length !== size || got.dtype !== dtype)
    throw shapeMismatch(name, `${size} values of ${dtype}`, `${got.data.length} of ${got.dtype}`)
  const count = Math.ceil(size / every)
  const want = valuesOf(decodeTensor({ ...golden, shape: every === 1 ? shape : [count] }, name))
  let largest = { difference: 0, at: 0, expected: '', got: '' }
  for (let i = 0; i < count; i++) {
    const at = i * every
    const [a, b] = [want[i], got.data[at]]
    const far = Math.abs(Number(a) - Number(b)) / Math.max(1, Math.abs(Number(a)))
    // a NaN on either side must not slip through a comparison that is false
    const difference = dtype === 'string' ? (a === b ? 0 : Number.POSITIVE_INFINITY) : Number.isNaN(far) ? Number.POSITIVE_INFINITY : far
    if (difference > largest.difference) largest = { difference, at, expected: String(a), got: String(b) }
  }
  return largest
}
