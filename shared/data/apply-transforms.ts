import { exhausted, must } from '../core/assert.ts'
import { AppError } from '../core/errors.ts'
import { type Batch, batchLength, type Column, isImageColumn, type Scalar } from './columns.ts'
import { type FrozenTransform, rowWidth, transformWidth } from './transforms.ts'

/**
 * Model inputs of a batch, row after row, each row the transforms' outputs in order (see rowWidth).
 * The same to the bit on every engine: only additions, subtractions, products and quotients of doubles, which IEEE 754 rounds one way, and one rounding
 * to float32 when a value is stored.
 * @throws AppError invalid_input where a column is not there, shape_mismatch where images have another size.
 */
export function applyTransforms(transforms: readonly FrozenTransform[], batch: Batch): Float32Array<ArrayBuffer> {
  const rows = batchLength(batch)
  const stride = rowWidth(transforms)
  const output = new Float32Array(rows * stride)
  let offset = 0
  for (const transform of transforms) {
    const column = Object.hasOwn(batch, transform.input) ? must(batch[transform.input], transform.input) : undefined
    if (column === undefined) throw new AppError('invalid_input', `the input ${transform.input} is not there; send one value for each row`)
    applyOne(transform, column, { output, offset, stride, rows })
    offset += transformWidth(transform)
  }
  return output
}

type Target = { readonly output: Float32Array; readonly offset: number; readonly stride: number; readonly rows: number }

function applyOne(transform: FrozenTransform, column: Column, { output, offset, stride, rows }: Target): void {
  const put = (row: number, value: number) => {
    output[row * stride + offset] = value
  }
  const numbers = (missing: number, map: (x: number) => number) => {
    const values = scalars(transform, column)
    for (let row = 0; row < rows; row++) {
      const x = toNumber(values[row])
      put(row, Number.isFinite(x) ? map(x) : missing)
    }
  }
  switch (transform.kind) {
    case 'image-scale':
      return scaleImages(transform, column, { output, offset, stride, rows })
    case 'standardize':
      return numbers(transform.missing, (x) => (x - transform.mean) / transform.deviation)
    case 'min-max':
      return numbers(transform.missing, (x) => Math.max(0, Math.min(1, (x - transform.min) / transform.range)))
    case 'passthrough':
      return numbers(transform.missing, (x) => x)
    case 'one-hot': {
      const values = scalars(transform, column)
      const places = new Map(transform.values.map((value, i) => [value, i]))
      for (let row = 0; row < rows; row++) {
        const place = places.get(String(values[row])) ?? transform.values.length
        output[row * stride + offset + place] = 1
      }
      return
    }
    default:
      exhausted(transform)
  }
}

function scalars(transform: FrozenTransform, column: Column): ArrayLike<Scalar> {
  if (isImageColumn(column))
    throw new AppError('invalid_input', `the input ${transform.input} holds images where ${transform.kind} takes single values`)
  return column
}

function toNumber(value: Scalar): number {
  if (typeof value === 'number') return value
  if (value === null || value === undefined || value instanceof Uint8Array) return Number.NaN
  if (value instanceof Date) return value.getTime()
  return typeof value === 'string' && value.trim() === '' ? Number.NaN : Number(value)
}

function scaleImages(
  transform: Extract<FrozenTransform, { kind: 'image-scale' }>,
  column: Column,
  { output, offset, stride, rows }: Target,
): void {
  const { height, width, channels, mean, deviation } = transform
  if (!isImageColumn(column)) throw new AppError('invalid_input', `the input ${transform.input} must hold images`)
  if (column.height !== height || column.width !== width || column.channels !== channels) {
    const got = `${column.height}x${column.width}x${column.channels}`
    throw new AppError(
      'shape_mismatch',
      `the input ${transform.input} has images of ${got} where the model takes ${height}x${width}x${channels}`,
    )
  }
  // a byte has 256 values: each is worked out once for each channel
  const tables = mean.map((m, c) => Float32Array.from({ length: 256 }, (_, byte) => (byte / 255 - m) / (deviation[c] ?? 1)))
  const size = height * width * channels
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < size; i++) {
      const table = tables[channels === 1 ? 0 : i % channels] as Float32Array
      output[row * stride + offset + i] = table[column.pixels[row * size + i] as number] as number
    }
  }
}
