import type { ImageColumn } from './columns.ts'
import type { FrozenOf } from './transforms.ts'

type ImageTransform = FrozenOf<'image-scale'>
type Size = { readonly height: number; readonly width: number }

/** The size of what goes into the model. */
export const fittedSize = ({ height, width, resize }: ImageTransform): Size => resize ?? { height, width }

/** The same transform for images that are fitted already. */
export function ofFitted({ resize: _, centre: __, ...rest }: ImageTransform, size: Size): ImageTransform {
  return { ...rest, height: size.height, width: size.width }
}

/** Where the source values of each target value are, and how much each counts: whole numbers that add up to `sum`. */
type Taps = { readonly sum: number; readonly at: readonly { readonly from: number; readonly weights: readonly number[] }[] }

/** Smaller: the mean over the area that a target pixel covers. Larger: straight lines between the centres of pixels. In units of 1 / to, 1 / (2 to), so that nothing is rounded. */
function tapsOf(from: number, to: number): Taps {
  const at = Array.from({ length: to }, (_, i) => {
    if (to < from) {
      const [low, high] = [i * from, (i + 1) * from]
      const first = Math.floor(low / to)
      const last = Math.ceil(high / to)
      return {
        from: first,
        weights: Array.from({ length: last - first }, (__, k) => Math.min(high, (first + k + 1) * to) - Math.max(low, (first + k) * to)),
      }
    }
    const place = Math.max(0, Math.min(2 * to * (from - 1), (2 * i + 1) * from - to))
    const first = Math.floor(place / (2 * to))
    const share = place - 2 * to * first
    return share === 0 ? { from: first, weights: [2 * to] } : { from: first, weights: [2 * to - share, share] }
  })
  return { sum: to < from ? from : 2 * to, at }
}

function resized(column: ImageColumn, to: Size): ImageColumn {
  const { height, width, channels, pixels } = column
  if (height === to.height && width === to.width) return column
  const [across, down] = [tapsOf(width, to.width), tapsOf(height, to.height)]
  const whole = across.sum * down.sum
  const [size, fitted] = [height * width * channels, to.height * to.width * channels]
  const images = pixels.length / size
  const out = new Uint8Array(images * fitted)
  // sums of bytes times whole weights stay below 2^53: exact
  const rows = new Float64Array(height * to.width * channels)
  for (let image = 0; image < images; image++) {
    for (let y = 0; y < height; y++)
      for (let x = 0; x < to.width; x++) {
        const { from, weights } = across.at[x] as Taps['at'][number]
        for (let c = 0; c < channels; c++) {
          let sum = 0
          for (let k = 0; k < weights.length; k++)
            sum += (weights[k] as number) * (pixels[image * size + (y * width + from + k) * channels + c] as number)
          rows[(y * to.width + x) * channels + c] = sum
        }
      }
    for (let y = 0; y < to.height; y++) {
      const { from, weights } = down.at[y] as Taps['at'][number]
      for (let i = 0; i < to.width * channels; i++) {
        let sum = 0
        for (let k = 0; k < weights.length; k++) sum += (weights[k] as number) * (rows[(from + k) * to.width * channels + i] as number)
        // half a byte up
        out[image * fitted + y * to.width * channels + i] = Math.floor((2 * sum + whole) / (2 * whole))
      }
    }
  }
  return { kind: 'images', height: to.height, width: to.width, channels, pixels: out }
}

/** Moves what differs from the background so that its centre of mass is in the middle, by whole pixels. What leaves the image is lost. */
function centred(column: ImageColumn, background: readonly number[]): ImageColumn {
  const { height, width, channels, pixels } = column
  const size = height * width * channels
  const out = new Uint8Array(pixels.length)
  for (let i = 0; i < out.length; i++) out[i] = background[i % channels] as number
  for (let at = 0; at < pixels.length; at += size) {
    let [mass, sx, sy] = [0, 0, 0]
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        for (let c = 0; c < channels; c++) {
          const weight = Math.abs((pixels[at + (y * width + x) * channels + c] as number) - (background[c] as number))
          mass += weight
          sx += weight * x
          sy += weight * y
        }
    // whole numbers throughout: (size - 1) / 2 - s / mass, to the nearest, halves up
    const shift = (length: number, sum: number): number => (mass === 0 ? 0 : Math.floor((length * mass - 2 * sum) / (2 * mass)))
    const [dx, dy] = [shift(width, sx), shift(height, sy)]
    const [left, right] = [Math.max(0, -dx), Math.min(width, width - dx)]
    if (left >= right) continue
    for (let y = Math.max(0, -dy); y < Math.min(height, height - dy); y++) {
      const from = at + (y * width + left) * channels
      out.set(pixels.subarray(from, from + (right - left) * channels), at + ((y + dy) * width + left + dx) * channels)
    }
  }
  return { ...column, pixels: out }
}

/** Images as bytes of the model's size: centred, then resized, where the transform says so. Whole-number arithmetic alone, so that every engine has the same bytes. */
export function fitImages({ centre, resize }: ImageTransform, column: ImageColumn): ImageColumn {
  const placed = centre === undefined ? column : centred(column, centre.background)
  return resize === undefined ? placed : resized(placed, resize)
}
