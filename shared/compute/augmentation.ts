import { must } from '../core/assert.ts'
import type { BatchTransform } from './examples.ts'

export type AugmentationOptions = {
  /** [height, width, channels] of each image. */
  readonly shape: readonly [number, number, number]
  /** Largest turn to either side. */
  readonly degrees?: number
  /** Largest shift along each axis, in pixels. */
  readonly shift?: number
  /** Largest relative change of size to either side: 0.1 is from 0.9 to 1.1. */
  readonly zoom?: number
}

/**
 * Before `then`, turns, shifts and zooms each image by random amounts when it is trained on, and leaves it alone otherwise. Bilinear; what
 * comes from outside is taken from the image's first pixel, so a background of any brightness goes on.
 */
export function augmented(options: AugmentationOptions, then: BatchTransform): BatchTransform {
  const { shape, degrees = 0, shift = 0, zoom = 0 } = options
  const size = shape[0] * shape[1] * shape[2]
  let moved = new Float32Array(0)
  return (raw, out, random) => {
    if (random === undefined) return then(raw, out, random)
    if (moved.length !== raw.length) moved = new Float32Array(raw.length)
    const around = (range: number) => (random.uniform() * 2 - 1) * range
    for (let from = 0; from < raw.length; from += size) {
      const angle = (around(degrees) * Math.PI) / 180
      const factor = 1 + around(zoom)
      resample(raw, moved, from, shape, Math.cos(angle) / factor, Math.sin(angle) / factor, around(shift), around(shift))
    }
    then(moved, out, random)
  }
}

/** One image through the inverse map: a pixel's source is its offset from the shifted centre, turned and scaled by (cos, sin). */
function resample(
  raw: ArrayLike<number>,
  out: Float32Array,
  from: number,
  [height, width, channels]: readonly [number, number, number],
  cos: number,
  sin: number,
  shiftX: number,
  shiftY: number,
): void {
  const centreX = (width - 1) / 2
  const centreY = (height - 1) / 2
  const row = width * channels
  let at = from
  for (let y = 0; y < height; y++) {
    const dy = y - centreY - shiftY
    const alongX = sin * dy
    const alongY = cos * dy
    for (let x = 0; x < width; x++) {
      const dx = x - centreX - shiftX
      const sourceX = cos * dx + alongX + centreX
      const sourceY = alongY - sin * dx + centreY
      if (!(sourceX >= 0 && sourceY >= 0 && sourceX < width - 1 && sourceY < height - 1)) {
        for (let c = 0; c < channels; c++) out[at++] = must(raw[from + c], 'the first pixel')
        continue
      }
      const x0 = Math.trunc(sourceX)
      const y0 = Math.trunc(sourceY)
      const fx = sourceX - x0
      const fy = sourceY - y0
      let p = from + y0 * row + x0 * channels
      for (let c = 0; c < channels; c++, p++) {
        const top = (raw[p] as number) * (1 - fx) + (raw[p + channels] as number) * fx
        const bottom = (raw[p + row] as number) * (1 - fx) + (raw[p + row + channels] as number) * fx
        out[at++] = top * (1 - fy) + bottom * fy
      }
    }
  }
}
