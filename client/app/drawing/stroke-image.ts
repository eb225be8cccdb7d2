import type { Point, Stroke } from './strokes.ts'

/** Side of the image the model takes, pixels. */
export const SIDE = 28
/** The digit fits into a box of this side, as in MNIST (LeCun, Cortes, Burges: normalised to 20 x 20, centred by mass in 28 x 28). */
const BOX = 20
/** Half the pen's width in the image, pixels: MNIST strokes are about 2.6 pixels wide after normalisation. */
const PEN_RADIUS = 1.3
/** A drawing smaller than this share of the pad is not enlarged further, so that a dot stays a dot. */
const MIN_EXTENT = 0.08

/**
 * Strokes as the image the model was trained on: 28 x 28 grey values from 0 (paper) to 255 (ink), row by row. The drawing is scaled, keeping its
 * proportions, until the pen's trace fits the 20 x 20 box, drawn with a soft round pen whose width does not depend on the drawing's size, and moved until its
 * centre of mass is the image's centre, as far as all of it stays inside. Undefined for an empty pad.
 */
export function strokeImage(strokes: readonly Stroke[]): Uint8Array<ArrayBuffer> | undefined {
  const points = strokes.flat()
  if (points.length === 0) return undefined
  const across = span(points.map(({ x }) => x))
  const down = span(points.map(({ y }) => y))
  const scale = (BOX - 2 * PEN_RADIUS) / Math.max(across.extent, down.extent, MIN_EXTENT)
  // the box in the middle first, then moved by where its mass lies
  const place = ({ x, y }: Point): Point => ({ x: (x - across.middle) * scale + SIDE / 2, y: (y - down.middle) * scale + SIDE / 2 })
  const placed = strokes.map((stroke) => stroke.map(place))
  const { x, y } = centreOfMass(trace(placed, 0, 0))
  const image = trace(placed, kept(SIDE / 2 - x, across.extent * scale), kept(SIDE / 2 - y, down.extent * scale))
  return Uint8Array.from(image, (ink) => Math.round(ink * 255))
}

function span(values: readonly number[]): { readonly middle: number; readonly extent: number } {
  const low = Math.min(...values)
  const high = Math.max(...values)
  return { middle: (low + high) / 2, extent: high - low }
}

/** A shift that leaves all of a trace of this extent inside the image: of a very lopsided drawing nothing is cut off. */
function kept(shift: number, extent: number): number {
  const room = (SIDE - extent) / 2 - PEN_RADIUS
  return Math.min(room, Math.max(-room, shift))
}

/** How much ink lies on each pixel, 0 to 1: by the distance of the pixel's centre from the nearest piece of a stroke, with an edge one pixel soft. */
function trace(strokes: readonly Stroke[], dx: number, dy: number): Float64Array {
  const image = new Float64Array(SIDE * SIDE)
  const reach = PEN_RADIUS + 0.5
  for (const stroke of strokes) {
    for (const [at, end] of stroke.entries()) {
      const a = moved(stroke[Math.max(0, at - 1)] ?? end, dx, dy)
      const b = moved(end, dx, dy)
      const rows = range(Math.min(a.y, b.y) - reach, Math.max(a.y, b.y) + reach)
      const columns = range(Math.min(a.x, b.x) - reach, Math.max(a.x, b.x) + reach)
      for (let row = rows.from; row <= rows.to; row++) {
        for (let column = columns.from; column <= columns.to; column++) {
          const ink = Math.min(1, Math.max(0, reach - distance(column + 0.5, row + 0.5, a, b)))
          const pixel = row * SIDE + column
          if (ink > (image[pixel] ?? 0)) image[pixel] = ink
        }
      }
    }
  }
  return image
}

const moved = ({ x, y }: Point, dx: number, dy: number): Point => ({ x: x + dx, y: y + dy })
const range = (low: number, high: number) => ({ from: Math.max(0, Math.floor(low)), to: Math.min(SIDE - 1, Math.ceil(high)) })

/** From a point to a line segment. */
function distance(x: number, y: number, a: Point, b: Point): number {
  const dx = b.x - a.x
  const dy = b.y - a.y
  const length = dx * dx + dy * dy
  const along = length === 0 ? 0 : Math.min(1, Math.max(0, ((x - a.x) * dx + (y - a.y) * dy) / length))
  return Math.hypot(x - a.x - along * dx, y - a.y - along * dy)
}

/** In pixels; the centre of pixel 0 lies at 0.5. */
export function centreOfMass(image: ArrayLike<number>): Point {
  let mass = 0
  let x = 0
  let y = 0
  for (let pixel = 0; pixel < image.length; pixel++) {
    const ink = image[pixel] ?? 0
    mass += ink
    x += ink * ((pixel % SIDE) + 0.5)
    y += ink * (Math.floor(pixel / SIDE) + 0.5)
  }
  return mass === 0 ? { x: SIDE / 2, y: SIDE / 2 } : { x: x / mass, y: y / mass }
}
