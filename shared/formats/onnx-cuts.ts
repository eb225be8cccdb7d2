import * as z from 'zod/mini'
import { type Bytes, concatBytes } from '../core/bytes.ts'
import { AppError } from '../core/errors.ts'
import type { JsonObject } from '../core/json.ts'
import { isDtype, type NamedTensors, shapeMismatch, type TensorData, tensorBytes, tensorFromBytes } from '../tensor/tensor.ts'
import type { OnnxFile } from './onnx-file.ts'

/** The tensor that holds what is left of the file when its large weights are taken out. */
const REST = 'graph'

/**
 * An ONNX model's `topology` in a manifest: how its weights, which travel as named tensors like those of any model, and the rest of the file make that file
 * again, byte for byte. So a weight that did not change is not sent again, wherever in the file it stands; and what runs is what was imported.
 */
const onnxTopology = z.object({
  /** Length of the file. */
  bytes: z.int().check(z.minimum(1)),
  /** At which byte of the rest each tensor's bytes go in; ascending. */
  cuts: z.array(z.object({ at: z.int().check(z.minimum(0)), tensor: z.string() })),
})

const MAX_NAME = 190

/** Takes the file apart. */
export function cutOnnxFile(file: Uint8Array, { weights }: OnnxFile): { topology: JsonObject; tensors: Record<string, TensorData> } {
  const tensors: Record<string, TensorData> = {}
  const cuts: { at: number; tensor: string }[] = []
  const rest: Uint8Array[] = []
  let [at, left] = [0, 0]
  for (const { name, type, shape, start, bytes } of weights) {
    rest.push(file.subarray(at, start))
    left += start - at
    const base = (name === '' || name === '__proto__' ? 'constant' : name).slice(0, MAX_NAME)
    let [tensor, copy] = [base, 2]
    while (tensor === REST || Object.hasOwn(tensors, tensor)) tensor = `${base}#${copy++}`
    const data = file.subarray(start, start + bytes)
    tensors[tensor] = isDtype(type) && shape.length <= 8 ? tensorFromBytes(type, shape, data) : tensorFromBytes('uint8', [bytes], data)
    cuts.push({ at: left, tensor })
    at = start + bytes
  }
  rest.push(file.subarray(at))
  const remainder = concatBytes(rest)
  return {
    topology: { bytes: file.length, cuts },
    tensors: { [REST]: tensorFromBytes('uint8', [remainder.length], remainder), ...tensors },
  }
}

/** Puts the file together. Throws invalid_document, shape_mismatch naming a tensor that is missing or too many. */
export function joinOnnxFile(topology: JsonObject, tensors: NamedTensors): Bytes {
  const parsed = onnxTopology.safeParse(topology)
  if (!parsed.success) throw new AppError('invalid_document', `this is no ONNX model: ${parsed.error.issues[0]?.message ?? 'another form'}`)
  const { bytes, cuts } = parsed.data
  const named = (name: string): Uint8Array => {
    const tensor = Object.hasOwn(tensors, name) ? tensors[name] : undefined
    if (tensor === undefined) throw shapeMismatch(name, 'a part of the file', 'nothing')
    return tensorBytes(tensor)
  }
  const known = new Set([REST, ...cuts.map(({ tensor }) => tensor)])
  for (const name of Object.keys(tensors)) if (!known.has(name)) throw shapeMismatch(name, 'a part of the file', 'a name it does not have')
  const rest = named(REST)
  const parts: Uint8Array[] = []
  let before = 0
  for (const { at, tensor } of cuts) {
    if (at < before || at > rest.length) throw new AppError('invalid_document', `this is no ONNX model: ${tensor} has no place in the file`)
    parts.push(rest.subarray(before, at), named(tensor))
    before = at
  }
  const file = concatBytes([...parts, rest.subarray(before)])
  if (file.length !== bytes) throw new AppError('invalid_document', `the parts make ${file.length} bytes, the file has ${bytes}`)
  return file
}
