/**
 * The numbers that are monitored of an image: cheap, without content, and each with a fault it notices. Computed alike on the device and for the
 * reference, with additions, products, square roots and one arctangent.
 */
export const IMAGE_FEATURES = ['brightness', 'contrast', 'ink', 'centroidX', 'centroidY', 'orientation', 'extent', 'edges'] as const
export type ImageFeatureName = (typeof IMAGE_FEATURES)[number]

export type ImageFeatures = {
  /** Mean value, 0 (black) to 1 (white). */
  brightness: number
  /** Standard deviation of the values, 0 to 0.5. */
  contrast: number
  /** Share of pixels in the foreground: brighter than half. */
  ink: number
  /** Centre of the foreground, 0 (left, top) to 1. NaN where nothing is in the foreground. */
  centroidX: number
  centroidY: number
  /** Angle of the foreground's long axis from the vertical in degrees, -90 to 90, clockwise positive; NaN for fewer than two pixels. */
  orientation: number
  /** Short axis over long axis of the foreground: 0 a line, 1 a disc or square; NaN for fewer than two pixels. */
  extent: number
  /** Mean difference between neighbours, right and below, 0 to 1: falls with blur, rises with noise. */
  edges: number
}

export type ImageShape = { readonly height: number; readonly width: number; readonly channels?: number }

/** One image, row-major, channels interleaved, values 0 to `white` (255 for bytes, 1 for floats). Channels are averaged; a fourth one (alpha) is left out. */
export function imageFeatures(pixels: ArrayLike<number>, { height, width, channels = 1 }: ImageShape, white = 255): ImageFeatures {
  const grey = channels === 1 ? pixels : toGrey(pixels, height * width, channels)
  const half = white / 2
  let sum = 0
  let squares = 0
  let differences = 0
  let count = 0
  let sx = 0
  let sy = 0
  let sxx = 0
  let syy = 0
  let sxy = 0
  for (let y = 0; y < height; y++) {
    const row = y * width
    for (let x = 0; x < width; x++) {
      const value = grey[row + x] as number
      sum += value
      squares += value * value
      if (x + 1 < width) differences += Math.abs((grey[row + x + 1] as number) - value)
      if (y + 1 < height) differences += Math.abs((grey[row + width + x] as number) - value)
      if (value > half) {
        count++
        sx += x
        sy += y
        sxx += x * x
        syy += y * y
        sxy += x * y
      }
    }
  }
  const n = height * width
  const mean = sum / n
  const pairs = height * (width - 1) + width * (height - 1)
  const shape = foregroundShape(count, sx, sy, sxx, syy, sxy)
  return {
    brightness: mean / white,
    contrast: Math.sqrt(Math.max(0, squares / n - mean * mean)) / white,
    ink: count / n,
    centroidX: count === 0 ? Number.NaN : (sx / count + 0.5) / width,
    centroidY: count === 0 ? Number.NaN : (sy / count + 0.5) / height,
    orientation: shape.orientation,
    extent: shape.extent,
    edges: pairs === 0 ? 0 : differences / pairs / white,
  }
}

function toGrey(pixels: ArrayLike<number>, n: number, channels: number): Float64Array {
  const colours = channels === 2 || channels === 4 ? channels - 1 : channels
  const grey = new Float64Array(n)
  for (let i = 0; i < n; i++) {
    let sum = 0
    for (let c = 0; c < colours; c++) sum += pixels[i * channels + c] as number
    grey[i] = sum / colours
  }
  return grey
}

/** Principal axes from second moments. The vertical is the zero of the angle, because that is where upright writing lies and the fold at 90 does not. */
function foregroundShape(
  n: number,
  sx: number,
  sy: number,
  sxx: number,
  syy: number,
  sxy: number,
): { orientation: number; extent: number } {
  if (n < 2) return { orientation: Number.NaN, extent: Number.NaN }
  // a pixel is a square: 1/12 is its own second moment, and keeps a line of pixels from having no width
  const vx = sxx / n - (sx / n) ** 2 + 1 / 12
  const vy = syy / n - (sy / n) ** 2 + 1 / 12
  const cxy = sxy / n - (sx / n) * (sy / n)
  const spread = Math.sqrt((vx - vy) ** 2 + 4 * cxy * cxy)
  const long = (vx + vy + spread) / 2
  const short = (vx + vy - spread) / 2
  // y grows downwards: -cxy turns the angle clockwise from the vertical
  const orientation = (90 * Math.atan2(-2 * cxy, vy - vx)) / Math.PI + 0
  return { orientation, extent: Math.sqrt(Math.max(0, short) / long) }
}
