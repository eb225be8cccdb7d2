import { fromUtf8 } from '../core/bytes.ts'
import { AppError } from '../core/errors.ts'
import { MAX_TENSORS_PER_MODEL } from '../core/limits.ts'
import { shapeMismatch } from '../tensor/tensor.ts'
import { holdsNan, holdsValues } from './onnx-numbers.ts'
import { type Field, fieldsOf, numbersOf, ProtobufError } from './protobuf.ts'

/** Element types of TensorProto.DataType by number: github.com/onnx/onnx, onnx.proto, IR version 13. */
const ELEMENT: Readonly<Record<number, { readonly name: string; readonly bytes?: number }>> = {
  1: { name: 'float32', bytes: 4 },
  2: { name: 'uint8', bytes: 1 },
  3: { name: 'int8', bytes: 1 },
  4: { name: 'uint16', bytes: 2 },
  5: { name: 'int16', bytes: 2 },
  6: { name: 'int32', bytes: 4 },
  7: { name: 'int64', bytes: 8 },
  8: { name: 'string' },
  9: { name: 'bool', bytes: 1 },
  10: { name: 'float16', bytes: 2 },
  11: { name: 'float64', bytes: 8 },
  12: { name: 'uint32', bytes: 4 },
  13: { name: 'uint64', bytes: 8 },
  14: { name: 'complex64', bytes: 8 },
  15: { name: 'complex128', bytes: 16 },
  16: { name: 'bfloat16', bytes: 2 },
}

/** An input or output of the graph. A dimension is a size, the name of one that may be anything, or null. */
export type OnnxPort = { readonly name: string; readonly type: string; readonly shape: readonly (number | string | null)[] }

/** A weight's values as they lie in the file: `bytes` of them from `start` on. */
export type OnnxWeight = {
  readonly name: string
  readonly type: string
  readonly shape: readonly number[]
  readonly start: number
  readonly bytes: number
}

export type OnnxFile = {
  readonly irVersion: number
  readonly producer: string
  readonly opsets: readonly { readonly domain: string; readonly version: number }[]
  readonly inputs: readonly OnnxPort[]
  readonly outputs: readonly OnnxPort[]
  /** Those of at least `MIN_WEIGHT_BYTES` that stand as raw bytes, of subgraphs too, in the order of the file. */
  readonly weights: readonly OnnxWeight[]
  readonly operators: readonly string[]
  readonly metadata: Readonly<Record<string, string>>
}

/** Smaller ones stay with the graph: an entry in the manifest would cost more than it could save. */
const MIN_WEIGHT_BYTES = 1024
/** How deep graphs may lie in graphs: branches and loops of loops of branches. */
const MAX_DEPTH = 16

const bad = (what: string, cause?: unknown): AppError =>
  new AppError('invalid_document', `this is no ONNX file that can be read: ${what}`, { issues: [{ where: 'file', what }], cause })

type Reading = {
  readonly bytes: Uint8Array
  readonly weights: OnnxWeight[]
  readonly operators: Set<string>
}

function text({ bytes }: Reading, { start, end }: Field): string {
  try {
    return fromUtf8(bytes.subarray(start, Math.min(end, start + 4096)))
  } catch (cause) {
    throw bad(`byte ${start}: a name is not UTF-8`, cause)
  }
}

/** `owner` names a constant without a name of its own. */
function readWeight(reading: Reading, field: Field, owner = ''): string {
  let [name, type, external] = ['', 0, false]
  const shape: number[] = []
  const values: Field[] = []
  let raw: Field | undefined
  for (const part of fieldsOf(reading.bytes, field.start, field.end)) {
    if (part.number === 1) shape.push(...numbersOf(reading.bytes, part))
    else if (part.number === 2) type = part.value
    else if (part.number === 8) name = text(reading, part)
    else if (part.number === 14) external = part.value === 1
    if (part.number === 9) raw = part
    if (holdsValues(part)) values.push(part)
  }
  if (external) throw bad(`the values of ${name} are in another file (external data): export the model as one file`)
  const element = ELEMENT[type] ?? { name: `type ${type}` }
  // infinities are constants of some graphs, such as what a mask adds
  if (values.some((part) => holdsNan(reading.bytes, element.name, part))) throw shapeMismatch(name || owner, 'numbers', 'NaN')
  if (raw === undefined || raw.end - raw.start < MIN_WEIGHT_BYTES) return name
  const length = raw.end - raw.start
  if (shape.some((size) => !Number.isSafeInteger(size) || size < 0)) throw bad(`the shape of ${name} holds a size that is none`)
  const expected = element.bytes === undefined ? length : shape.reduce((product, size) => product * size, element.bytes)
  if (expected !== length) throw bad(`${name} is ${element.name}[${shape.join(',')}] of ${expected} bytes, ${length} are there`)
  reading.weights.push({ name, type: element.name, shape, start: raw.start, bytes: length })
  return name
}

function readNode(reading: Reading, field: Field, depth: number): void {
  let [operator, domain, output] = ['', '', '']
  const attributes: Field[] = []
  for (const part of fieldsOf(reading.bytes, field.start, field.end)) {
    if (part.number === 2) output ||= text(reading, part)
    else if (part.number === 4) operator = text(reading, part)
    else if (part.number === 7) domain = text(reading, part)
    else if (part.number === 5) attributes.push(part)
  }
  for (const { start, end } of attributes) {
    for (const attribute of fieldsOf(reading.bytes, start, end)) {
      if (attribute.number === 5 || attribute.number === 10) readWeight(reading, attribute, output)
      if (attribute.number === 6 || attribute.number === 11) readGraph(reading, attribute, depth + 1)
    }
  }
  reading.operators.add(domain === '' || domain === 'ai.onnx' ? operator : `${domain}.${operator}`)
}

function readPort(reading: Reading, field: Field): OnnxPort {
  const { bytes } = reading
  let [name, type] = ['', 'something other than a tensor']
  const shape: (number | string | null)[] = []
  for (const part of fieldsOf(bytes, field.start, field.end)) {
    if (part.number === 1) name = text(reading, part)
    if (part.number !== 2) continue
    for (const kind of fieldsOf(bytes, part.start, part.end)) {
      if (kind.number !== 1) continue
      for (const tensor of fieldsOf(bytes, kind.start, kind.end)) {
        if (tensor.number === 1) type = ELEMENT[tensor.value]?.name ?? `type ${tensor.value}`
        if (tensor.number !== 2) continue
        for (const dimension of fieldsOf(bytes, tensor.start, tensor.end)) {
          if (dimension.number !== 1) continue
          let size: number | string | null = null
          for (const value of fieldsOf(bytes, dimension.start, dimension.end)) {
            if (value.number === 1) size = value.value >= 0 ? value.value : null
            if (value.number === 2) size = text(reading, value) || null
          }
          shape.push(size)
        }
      }
    }
  }
  return { name, type, shape }
}

function readGraph(reading: Reading, field: Field, depth = 0): Pick<OnnxFile, 'inputs' | 'outputs'> {
  if (depth > MAX_DEPTH) throw bad(`graphs lie more than ${MAX_DEPTH} deep in each other`)
  const inputs: OnnxPort[] = []
  const outputs: OnnxPort[] = []
  const constants = new Set<string>()
  for (const part of fieldsOf(reading.bytes, field.start, field.end)) {
    if (part.number === 1) readNode(reading, part, depth)
    else if (part.number === 5) constants.add(readWeight(reading, part))
    else if (part.number === 11) inputs.push(readPort(reading, part))
    else if (part.number === 12) outputs.push(readPort(reading, part))
  }
  // files of IR version 3 and below name their weights among the inputs
  return { inputs: inputs.filter(({ name }) => !constants.has(name)), outputs }
}

/**
 * What an ONNX file says of itself, without running any of it: a walk over the ModelProto that keeps no copy of a weight. Throws invalid_document saying which byte or
 * which weight is wrong, shape_mismatch naming a weight that holds NaN.
 */
export function readOnnxFile(bytes: Uint8Array): OnnxFile {
  const reading: Reading = { bytes, weights: [], operators: new Set() }
  let graph: Pick<OnnxFile, 'inputs' | 'outputs'> | undefined
  let [irVersion, producer] = [0, '']
  const opsets: { domain: string; version: number }[] = []
  const metadata: Record<string, string> = {}
  try {
    for (const field of fieldsOf(bytes)) {
      if (field.number === 1) irVersion = field.value
      else if (field.number === 2) producer = text(reading, field)
      else if (field.number === 3) producer = `${producer} ${text(reading, field)}`.trim()
      else if (field.number === 7) graph = readGraph(reading, field)
      else if (field.number === 8) {
        const opset = { domain: '', version: 0 }
        for (const part of fieldsOf(bytes, field.start, field.end)) {
          if (part.number === 1) opset.domain = text(reading, part)
          if (part.number === 2) opset.version = part.value
        }
        opsets.push(opset)
      } else if (field.number === 14) {
        const [key, value] = [...fieldsOf(bytes, field.start, field.end)].map((part) => text(reading, part))
        if (key !== undefined && key !== '__proto__' && Object.keys(metadata).length < 64) metadata[key] = (value ?? '').slice(0, 400)
      }
    }
  } catch (thrown) {
    if (thrown instanceof ProtobufError) throw bad(thrown.message, thrown)
    throw thrown
  }
  if (graph === undefined || irVersion === 0 || opsets.length === 0)
    throw bad('it has no graph, no IR version or no opset: it is another kind of file')
  if (graph.outputs.length === 0) throw bad('its graph has no outputs')
  const largest = [...reading.weights].sort((a, b) => b.bytes - a.bytes).slice(0, MAX_TENSORS_PER_MODEL - 1)
  return {
    irVersion,
    producer,
    opsets,
    ...graph,
    weights: largest.sort((a, b) => a.start - b.start),
    operators: [...reading.operators].sort(),
    metadata,
  }
}
