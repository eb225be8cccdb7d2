import { AppError } from '../core/errors.ts'
import { type Column, isImageColumn } from './columns.ts'
import { fitImages } from './fit-images.ts'
import { type FrozenOf, transformWidth } from './transforms.ts'

type Target = { readonly output: Float32Array; readonly offset: number; readonly stride: number; readonly rows: number }

const known = new WeakMap<FrozenOf<'image-scale'>, readonly Float32Array[]>()

/** A byte has 256 values: each is worked out once for each channel, and once for all images. */
function tablesOf(transform: FrozenOf<'image-scale'>): readonly Float32Array[] {
  const before = known.get(transform)
  if (before !== undefined) return before
  const { mean, deviation } = transform
  const tables = mean.map((m, c) => Float32Array.from({ length: 256 }, (_, byte) => (byte / 255 - m) / (deviation[c] ?? 1)))
  known.set(transform, tables)
  return tables
}

/** Bytes of images to floats. Throws invalid_input for other columns, shape_mismatch for images of another size. */
export function scaleImages(transform: FrozenOf<'image-scale'>, column: Column, { output, offset, stride, rows }: Target): void {
  const { height, width, channels } = transform
  if (!isImageColumn(column)) throw new AppError('invalid_input', `the input ${transform.input} must hold images`)
  if (column.height !== height || column.width !== width || column.channels !== channels) {
    const got = `${column.height}x${column.width}x${column.channels}`
    throw new AppError(
      'shape_mismatch',
      `the input ${transform.input} has images of ${got} where the model takes ${height}x${width}x${channels}`,
    )
  }
  const { pixels } = fitImages(transform, column)
  const tables = tablesOf(transform)
  const size = transformWidth(transform)
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < size; i++) {
      const table = tables[channels === 1 ? 0 : i % channels] as Float32Array
      output[row * stride + offset + i] = table[pixels[row * size + i] as number] as number
    }
  }
}
