import { type ImageColumn, isImageColumn } from './columns.ts'
import type { TransformAnalyser } from './transform-analysers.ts'
import type { SpecOf } from './transform-specs.ts'

/** How often each byte stands at the border of an image, for each channel. */
function countBorders({ height, width, channels, pixels }: ImageColumn, counts: Float64Array[]): void {
  const size = height * width * channels
  for (let at = 0; at < pixels.length; at += size)
    for (let y = 0; y < height; y++) {
      const step = y === 0 || y === height - 1 ? 1 : Math.max(1, width - 1)
      for (let x = 0; x < width; x += step)
        for (const [c, count] of counts.entries()) {
          const byte = pixels[at + (y * width + x) * channels + c] as number
          count[byte] = (count[byte] as number) + 1
        }
    }
}

/** The size of the images, the constants for each channel, and the background: the byte in the middle of those at the borders. */
export function imageAnalyser(spec: SpecOf<'image-scale'>, refuse: (what: string) => never): TransformAnalyser {
  const { kind, input, resize, centre = false } = spec
  let shape: { height: number; width: number; channels: number } | undefined
  const borders: Float64Array[] = []
  return {
    add: (column) => {
      if (!isImageColumn(column)) return refuse('images')
      const { height, width, channels } = column
      if (shape !== undefined && (shape.height !== height || shape.width !== width || shape.channels !== channels))
        return refuse(
          `images of one size; the data has ${shape.height}x${shape.width}x${shape.channels} and ${height}x${width}x${channels}`,
        )
      shape = { height, width, channels }
      while (borders.length < channels) borders.push(new Float64Array(256))
      if (centre) countBorders(column, borders)
    },
    finish: () => {
      if (shape === undefined) return refuse('images; there is no row')
      const { channels } = shape
      const each = (constants: readonly number[] | undefined, otherwise: number): number[] => {
        if (constants !== undefined && constants.length !== 1 && constants.length !== channels)
          refuse(`one constant, or one for each of ${channels} channels`)
        return Array.from({ length: channels }, (_, c) => constants?.[constants.length === 1 ? 0 : c] ?? otherwise)
      }
      return {
        kind,
        input,
        ...shape,
        mean: each(spec.mean, 0),
        deviation: each(spec.deviation, 1),
        ...(centre ? { centre: { background: borders.map(middleByte) } } : {}),
        ...(resize === undefined ? {} : { resize }),
      }
    },
  }
}

function middleByte(counts: Float64Array): number {
  const all = counts.reduce((sum, count) => sum + count, 0)
  let below = 0
  return counts.findIndex((count) => (below += count) * 2 >= all)
}
