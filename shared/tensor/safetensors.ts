import * as z from 'zod/mini'
import { type Bytes, fromUtf8, utf8 } from '../core/bytes.ts'
import { AppError } from '../core/errors.ts'
import {
  BYTES_PER_VALUE,
  type Dtype,
  isDimension,
  type NamedTensors,
  sizeOf,
  type TensorData,
  tensorBytes,
  tensorFromBytes,
} from './tensor.ts'

/** Safetensors: 8 bytes little-endian header length, JSON header, data. github.com/huggingface/safetensors, format 0.4. */
const WIDTH_OF_LENGTH = 8

/** The reference reader's own bound on the header, in bytes. */
const MAX_HEADER = 100_000_000

/** Where the data begins is a multiple of this many bytes. */
const ALIGNMENT = 8

const NAME_OF = { float32: 'F32', int32: 'I32', uint8: 'U8', bool: 'BOOL' } as const satisfies Record<Dtype, string>
const DTYPE_OF: Readonly<Record<string, Dtype>> = { F32: 'float32', I32: 'int32', U8: 'uint8', BOOL: 'bool' }

const entrySchema = z.strictObject({ dtype: z.string(), shape: z.array(z.number()), data_offsets: z.tuple([z.number(), z.number()]) })
const metadataSchema = z.record(z.string(), z.string())

export type Safetensors = { readonly tensors: NamedTensors; readonly metadata: Readonly<Record<string, string>> }

const bad = (where: string, what: string): AppError =>
  new AppError('invalid_document', `not a valid safetensors file: ${where}: ${what}`, { issues: [{ where, what }] })

/** Names that mean something to JavaScript objects, and so must not come from a file. */
const RESERVED = new Set(['__proto__', 'constructor', 'prototype'])

function checkName(name: string): void {
  if (RESERVED.has(name) || name === '' || name === '__metadata__') throw bad(`tensor ${JSON.stringify(name)}`, 'this name is reserved')
}

/** Tensors by name order of their names, each exactly after the one before: one spelling for one set of tensors. */
export function encodeSafetensors(tensors: NamedTensors, metadata: Readonly<Record<string, string>> = {}): Bytes {
  const header: Record<string, unknown> = {}
  if (Object.keys(metadata).length > 0) header['__metadata__'] = metadata
  const names = Object.keys(tensors).sort()
  const parts: Uint8Array[] = []
  let offset = 0
  for (const name of names) {
    checkName(name)
    const tensor = tensors[name] as TensorData
    const bytes = tensorBytes(tensor)
    header[name] = { dtype: NAME_OF[tensor.dtype], shape: tensor.shape, data_offsets: [offset, offset + bytes.length] }
    parts.push(bytes)
    offset += bytes.length
  }
  const text = JSON.stringify(header)
  const length = utf8(text).length
  const json = utf8(text + ' '.repeat((ALIGNMENT - (length % ALIGNMENT)) % ALIGNMENT))
  const file = new Uint8Array(WIDTH_OF_LENGTH + json.length + offset)
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true)
  file.set(json, WIDTH_OF_LENGTH)
  let at = WIDTH_OF_LENGTH + json.length
  for (const part of parts) {
    file.set(part, at)
    at += part.length
  }
  return file
}

function parseHeader(file: Uint8Array, maxHeader: number): { header: Record<string, unknown>; dataStart: number } {
  if (file.length < WIDTH_OF_LENGTH) throw bad('length', `a file has at least ${WIDTH_OF_LENGTH} bytes, this one ${file.length}`)
  const length = new DataView(file.buffer, file.byteOffset, file.byteLength).getBigUint64(0, true)
  if (length > BigInt(Math.min(maxHeader, MAX_HEADER)))
    throw bad('header', `${length} bytes are more than the ${Math.min(maxHeader, MAX_HEADER)} allowed`)
  const dataStart = WIDTH_OF_LENGTH + Number(length)
  if (dataStart > file.length) throw bad('header', `it claims ${length} bytes, the file ends after ${file.length - WIDTH_OF_LENGTH}`)
  let header: unknown
  try {
    const text = fromUtf8(file.subarray(WIDTH_OF_LENGTH, dataStart))
    if (!text.startsWith('{')) throw new SyntaxError('it must begin with {')
    // JSON.parse makes __proto__ an own key; seen by Object.keys below and refused
    header = JSON.parse(text)
  } catch (thrown) {
    throw bad('header', thrown instanceof Error ? thrown.message : 'it is not JSON')
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) throw bad('header', 'it must be an object')
  return { header: header as Record<string, unknown>, dataStart }
}

/**
 * Reads a file strictly: the tensors must tile the data without gap or overlap, names be unique and harmless, dtypes ones that Shoal holds.
 * Throws invalid_document. `maxHeader` in bytes.
 */
export function decodeSafetensors(file: Uint8Array, options: { maxHeader?: number } = {}): Safetensors {
  const { header, dataStart } = parseHeader(file, options.maxHeader ?? MAX_HEADER)
  const available = file.length - dataStart
  let metadata: Record<string, string> = {}
  const entries: { name: string; dtype: Dtype; shape: number[]; begin: number; end: number }[] = []
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') {
      const parsed = metadataSchema.safeParse(value)
      if (!parsed.success || Object.hasOwn(value as object, '__proto__')) throw bad('__metadata__', 'it must map text to text')
      metadata = parsed.data
      continue
    }
    checkName(name)
    const where = `tensor ${JSON.stringify(name)}`
    const parsed = entrySchema.safeParse(value)
    if (!parsed.success) throw bad(where, 'it must hold exactly dtype, shape and data_offsets')
    const {
      shape,
      data_offsets: [begin, end],
    } = parsed.data
    const dtype = Object.hasOwn(DTYPE_OF, parsed.data.dtype) ? DTYPE_OF[parsed.data.dtype] : undefined
    if (dtype === undefined) throw bad(where, `dtype ${parsed.data.dtype} is none of ${Object.keys(DTYPE_OF).join(', ')}`)
    if (shape.some((dimension) => !isDimension(dimension))) throw bad(where, `shape [${shape.join(',')}] holds something other than sizes`)
    if (!isDimension(begin) || !isDimension(end) || begin > end || end > available)
      throw bad(where, `offsets ${begin} to ${end} do not lie in the ${available} bytes of data`)
    const bytes = sizeOf(shape) * BYTES_PER_VALUE[dtype]
    if (!Number.isSafeInteger(bytes) || bytes !== end - begin)
      throw bad(where, `shape [${shape.join(',')}] of ${parsed.data.dtype} needs ${bytes} bytes, the offsets span ${end - begin}`)
    entries.push({ name, dtype, shape, begin, end })
  }
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end)
  let covered = 0
  for (const { name, begin, end } of entries) {
    if (begin !== covered) throw bad(`tensor ${JSON.stringify(name)}`, `it begins at ${begin}, where the one before ends at ${covered}`)
    covered = end
  }
  if (covered !== available) throw bad('data', `the tensors cover ${covered} of ${available} bytes`)
  const tensors: Record<string, TensorData> = {}
  for (const { name, dtype, shape, begin, end } of entries)
    tensors[name] = tensorFromBytes(dtype, shape, file.subarray(dataStart + begin, dataStart + end), name)
  return { tensors, metadata }
}
