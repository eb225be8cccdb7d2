import * as z from 'zod/mini'
import { concatBytes, fromUtf8 } from '../core/bytes.ts'
import { AppError } from '../core/errors.ts'
import { jsonObject } from '../core/fields.ts'
import type { JsonObject } from '../core/json.ts'
import { sizeOf, type TensorData, tensorFromBytes } from '../tensor/tensor.ts'

/** A file of a model as somebody handed it over. */
export type ModelFile = { readonly name: string; readonly bytes: Uint8Array }

/** One weight as a weights manifest describes it: github.com/tensorflow/tfjs, io/types.ts. */
export const weightSpec = z.object({
  name: z.string().check(z.minLength(1), z.maxLength(200)),
  shape: z.array(z.int().check(z.minimum(0), z.maximum(2 ** 31 - 1))).check(z.maxLength(8)),
  dtype: z.enum(['float32', 'int32', 'bool', 'string', 'complex64']),
  quantization: z.optional(
    z.object({ dtype: z.enum(['uint8', 'uint16', 'float16']), scale: z.optional(z.number()), min: z.optional(z.number()) }),
  ),
})
export type WeightSpec = z.infer<typeof weightSpec>

const modelJson = z.object({
  format: z.nullish(z.string()),
  generatedBy: z.nullish(z.string()),
  convertedBy: z.nullish(z.string()),
  modelTopology: jsonObject,
  signature: z.nullish(jsonObject),
  userDefinedMetadata: z.nullish(jsonObject),
  modelInitializer: z.nullish(jsonObject),
  initializerSignature: z.nullish(jsonObject),
  weightsManifest: z
    .array(z.object({ paths: z.array(z.string().check(z.maxLength(400))).check(z.minLength(1)), weights: z.array(weightSpec) }))
    .check(z.minLength(1)),
})

export type TfjsModel = {
  readonly kind: 'graph' | 'layers'
  readonly json: Omit<z.infer<typeof modelJson>, 'weightsManifest'> & { modelTopology: JsonObject }
  readonly weights: readonly WeightSpec[]
  /** Each weight's bytes as the files hold them, quantized ones too: see `storedForm`. */
  readonly tensors: Readonly<Record<string, TensorData>>
}

const bad = (where: string, what: string): AppError =>
  new AppError('invalid_document', `this is no tfjs model: ${where}: ${what}`, { issues: [{ where, what }] })

const BYTES = { float32: 4, int32: 4, bool: 1, complex64: 8, uint8: 1, uint16: 2, float16: 2 } as const

/** The tensor that carries a weight's bytes: in its own type where Shoal has it, else the bare bytes. */
export function storedForm(
  { dtype, quantization, shape }: WeightSpec,
  bytes: number,
): { dtype: TensorData['dtype']; shape: readonly number[] } {
  const type = quantization?.dtype ?? dtype
  return type === 'float32' || type === 'int32' || type === 'bool' || type === 'uint8'
    ? { dtype: type, shape }
    : { dtype: 'uint8', shape: [bytes] }
}

/** How many bytes of `rest` a weight takes. Texts stand with their length, 4 bytes little-endian, before each. */
function lengthOf(spec: WeightSpec, rest: Uint8Array, where: string): number {
  if (spec.quantization !== undefined || spec.dtype !== 'string')
    return sizeOf(spec.shape) * BYTES[spec.quantization?.dtype ?? (spec.dtype as 'float32')]
  const view = new DataView(rest.buffer, rest.byteOffset, rest.byteLength)
  let at = 0
  for (let i = 0; i < sizeOf(spec.shape); i++) {
    if (at + 4 > rest.length) throw bad(where, `ends in the middle of weight ${spec.name}`)
    at += 4 + view.getUint32(at, true)
  }
  return at
}

const baseName = (path: string): string => path.split(/[\\/]/).at(-1) ?? path

export function parseModelJson({ name, bytes }: ModelFile): z.infer<typeof modelJson> {
  let json: unknown
  try {
    json = JSON.parse(fromUtf8(bytes))
  } catch (cause) {
    throw bad(name, `is not JSON (${cause instanceof Error ? cause.message.slice(0, 120) : 'unreadable'})`)
  }
  const parsed = modelJson.safeParse(json)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw bad(name, `${issue?.path.join('.') || 'the document'}: ${issue?.message ?? 'has another form'}`)
}

/**
 * A tfjs model out of its model.json and weight files, strictly: every file that the manifest names is there, and the weights fill each group of files exactly.
 * Throws invalid_document naming the file.
 */
export function readTfjsModel(description: ModelFile, files: readonly ModelFile[]): TfjsModel {
  const { weightsManifest, ...json } = parseModelJson(description)
  const kind = Array.isArray(json.modelTopology['node']) ? 'graph' : 'layers'
  const byName = new Map(files.map((file) => [baseName(file.name), file.bytes]))
  const named = new Set(weightsManifest.flatMap(({ paths }) => paths.map(baseName)))
  for (const { name } of files) if (!named.has(baseName(name))) throw bad(name, `is no file that ${description.name} names`)
  const tensors: Record<string, TensorData> = {}
  for (const { paths, weights } of weightsManifest) {
    const parts = paths.map((path) => {
      const part = byName.get(baseName(path))
      if (part === undefined) throw bad(path, `is named by ${description.name}, and was not handed over`)
      return part
    })
    const where = paths.join(', ')
    const data = parts.length === 1 ? (parts[0] as Uint8Array) : concatBytes(parts)
    let at = 0
    for (const spec of weights) {
      const length = lengthOf(spec, data.subarray(at), where)
      if (at + length > data.length)
        throw bad(where, `has ${data.length} bytes, weight ${spec.name} ends at byte ${at + length}: the file is cut off or another one`)
      if (Object.hasOwn(tensors, spec.name) || spec.name === '__proto__') throw bad(description.name, `names weight ${spec.name} twice`)
      const form = storedForm(spec, length)
      tensors[spec.name] = tensorFromBytes(form.dtype, form.shape, data.subarray(at, at + length), spec.name)
      at += length
    }
    if (at !== data.length) throw bad(where, `has ${data.length} bytes, its weights take ${at}`)
  }
  return { kind, json, weights: weightsManifest.flatMap(({ weights }) => weights), tensors }
}
