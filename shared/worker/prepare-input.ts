import { must } from '../core/assert.ts'
import { AppError } from '../core/errors.ts'
import { applyTransforms } from '../data/apply-transforms.ts'
import type { Batch } from '../data/columns.ts'
import { imageFeatures } from '../data/image-features.ts'
import { inputsOf } from '../data/transforms.ts'
import type { Observed } from '../stats/counters.ts'
import { shapeMismatch, sizeOf, type TensorData } from '../tensor/tensor.ts'
import type { ModelInput, RunnableManifest } from './inference-api.ts'

type Row = Readonly<Record<string, string | number | boolean | null>>

type Numbers = Uint8Array | Uint8ClampedArray | Float32Array | readonly number[]

const isValues = (input: ModelInput): input is Numbers => Array.isArray(input) || ArrayBuffer.isView(input)

/** Bytes as they are; floats between 0 and 1 as the nearest byte. */
function toBytes(values: Numbers): Uint8Array {
  if (values instanceof Uint8Array) return values
  if (values instanceof Uint8ClampedArray) return new Uint8Array(values.buffer, values.byteOffset, values.length)
  const scale = values instanceof Float32Array ? 255 : 1
  const bytes = new Uint8ClampedArray(values.length)
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number
    if (!Number.isFinite(value))
      throw new AppError('invalid_input', `pixel ${i} is ${value}`, { issues: [{ where: `[${i}]`, what: 'not a finite number' }] })
    bytes[i] = value * scale
  }
  return new Uint8Array(bytes.buffer)
}

type ImageShape = { readonly height: number; readonly width: number; readonly channels: number }

/** The size of the images that a model takes: from its transform, else from its signature. */
export function imageShapeOf(manifest: RunnableManifest): ImageShape {
  for (const transform of manifest.transforms) {
    if (transform.kind === 'image-scale') return { height: transform.height, width: transform.width, channels: transform.channels }
  }
  const [, height, width, channels = 1] = must(manifest.signature.inputs[0], 'an input').shape
  if (height === undefined || width === undefined)
    throw new AppError('invalid_document', 'the manifest monitors images and its signature takes none')
  return { height, width, channels }
}

export type PreparedInput = { readonly tensor: TensorData; readonly observed: Readonly<Record<string, Observed>> }

/** What the network takes, and the numbers that are monitored. Throws shape_mismatch and invalid_input saying what the model expects. */
export function prepareInput(manifest: RunnableManifest, input: ModelInput): PreparedInput {
  const spec = must(manifest.signature.inputs[0], 'an input')
  const shape = spec.shape.map((length, axis) => (axis === 0 && length === -1 ? 1 : length))
  const { data, observed } = isValues(input) ? fromValues(manifest, input, sizeOf(shape)) : fromRow(manifest, input as Row)
  if (data.length !== sizeOf(shape)) throw shapeMismatch(spec.name, `${sizeOf(shape)} values [${shape.join(',')}]`, `${data.length} values`)
  return { tensor: { dtype: 'float32', shape, data }, observed }
}

function fromValues(
  manifest: RunnableManifest,
  values: Numbers,
  size: number,
): { data: Float32Array<ArrayBuffer>; observed: PreparedInput['observed'] } {
  if (manifest.monitors !== 'image') {
    if (manifest.transforms.length > 0)
      throw new AppError('invalid_input', 'this model takes an object with one value for each column, not an array')
    return { data: Float32Array.from(values), observed: {} }
  }
  const image = imageShapeOf(manifest)
  const expected = image.height * image.width * image.channels
  if (values.length !== expected)
    throw shapeMismatch('image', `${image.height}x${image.width}x${image.channels} = ${expected} values`, `${values.length}`)
  const pixels = toBytes(values)
  const observed = imageFeatures(pixels, image)
  if (manifest.transforms.length === 0) return { data: Float32Array.from(pixels, (byte) => byte / 255).subarray(0, size), observed }
  const batch = Object.fromEntries(
    manifest.transforms.flatMap(inputsOf).map((name) => [name, { kind: 'images' as const, ...image, pixels }]),
  )
  return { data: applyTransforms(manifest.transforms, batch), observed }
}

function fromRow(manifest: RunnableManifest, row: Row): { data: Float32Array<ArrayBuffer>; observed: PreparedInput['observed'] } {
  if (manifest.monitors === 'image') throw new AppError('invalid_input', 'this model takes the values of an image, not an object')
  const wanted = [...new Set(manifest.transforms.flatMap(inputsOf))]
  const missing = wanted.filter((name) => !Object.hasOwn(row, name) || row[name] === undefined)
  if (missing.length > 0)
    throw new AppError(
      'invalid_input',
      `the input lacks ${missing.join(', ')}; this model takes ${wanted.join(', ')} (null where a value is not known)`,
      {
        issues: missing.map((name) => ({ where: name, what: 'is missing' })),
      },
    )
  const batch: Batch = Object.fromEntries(wanted.map((name) => [name, [row[name]]]))
  return { data: applyTransforms(manifest.transforms, batch), observed: row }
}
