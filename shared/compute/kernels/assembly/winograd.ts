import { filterGradient, nextTile, touch } from './product.ts'
import { tile } from './tiles.ts'
import { madd } from './vector.ts'
import { expand, filterPoints, filterTaps, gather, interpolate, spread } from './winograd-points.ts'

// Convolution by Winograd's algorithm (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016), for filters of 3 x 3 and 5 x 5 without strides. The output is cut
// into tiles of 4 x 4 pixels, whose sums are interpolated along both axes from 6 or 8 points: 0, 1, -1, 2, -2, for the larger filter 1/2 and -1/2 too, and infinity. At each pair of
// points, a convolution is a product of matrices:
//
//   values of the input at the points    B' d B   [tiles, channels]
//   values of the filter                 G g G'   [channels, filters]
//   values of the output                 the product of both; A' (product) A are its 4 x 4 pixels
//
// Gradients are the transposed steps: of the filter G' (inputs' times A dy A') G, of the input B (A dy A' times filter') B', added up where tiles overlap.
//
// Matrices of points stand one behind another, `point` bytes apart. `axisPoints`: points of an axis, which are also the values that a tile reads: 3 more than the filter has. Channels and
// filters are multiples of 8. `scratch` is 1,024 bytes. A tile's number goes through images, then rows, then columns.

const TILE_SIZE: i32 = 4
/** Bytes between rows of 8 vectors in scratch. */
const LINE: usize = 128
/** Tiles that are summed at a time: what they are packed into stays in the first-level cache. */
const BLOCK: i32 = 256

/**
 * Values of the input's tiles at the points, [tiles, channels] at `to`. `x` is the first value that the first tile of the first image reads; around the image lies what the last tiles
 * read beyond it (zeros).
 */
export function winogradInput(
  x: usize,
  xImage: usize,
  xRow: usize,
  channels: i32,
  axisPoints: i32,
  down: i32,
  across: i32,
  first: i32,
  tiles: i32,
  to: usize,
  point: usize,
  scratch: usize,
): void {
  const pixel = (<usize>channels) << 2
  const side = <usize>axisPoints
  for (let t = first; t < first + tiles; t++, to += pixel) {
    const inImage = t % (down * across)
    const row = inImage / across
    const column = inImage - row * across
    const from = x + <usize>(t / (down * across)) * xImage + <usize>(row * TILE_SIZE) * xRow + <usize>(column * TILE_SIZE) * pixel
    for (let c: usize = 0; c < pixel; c += 16) {
      for (let i: usize = 0; i < side; i++) interpolate(axisPoints, from + c + i * pixel, xRow, scratch + (i << 4), LINE)
      for (let i: usize = 0; i < side; i++) interpolate(axisPoints, scratch + i * LINE, 16, to + c + side * i * point, point)
    }
  }
}

/** For each point the product of [tiles, inner] and the panels of [inner, columns], which come from winogradFilter: [tiles, columns]. `scratch`: 64 bytes. */
export function winogradProducts(
  from: usize,
  fromPoint: usize,
  panels: usize,
  panelPoint: usize,
  points: i32,
  tiles: i32,
  inner: i32,
  columns: i32,
  to: usize,
  toPoint: usize,
  scratch: usize,
): void {
  const rowBytes = (<usize>inner) << 2
  const toRow = (<usize>columns) << 2
  const panelBytes = rowBytes << 3
  store<usize>(scratch, 0, 48)
  for (let p = 0; p < points; p++, from += fromPoint, to += toPoint, panels += panelPoint) {
    for (let r = 0; r < tiles; ) {
      const count = nextTile(tiles - r)
      for (let i = 0; i < count; i++, r++) {
        store<usize>(scratch + ((<usize>i) << 2), from + <usize>r * rowBytes)
        store<usize>(scratch + ((<usize>i) << 2), to + <usize>r * toRow, 24)
      }
      let panel = panels
      for (let c: usize = 0; c < toRow; c += 32, panel += panelBytes)
        tile(count, scratch, scratch + 48, scratch + 52, inner, panel, 0, c, 8, 4)
    }
  }
}

/** Pixels of the output from the products at the points, [tiles, channels] at `from`, with bias (unless flag 4), ReLU (flag 1) and at most 6 (flag 8). Pixels beyond [height, width] are left out. */
export function winogradOutput(
  from: usize,
  point: usize,
  first: i32,
  tiles: i32,
  y: usize,
  yImage: usize,
  yRow: usize,
  height: i32,
  width: i32,
  channels: i32,
  axisPoints: i32,
  down: i32,
  across: i32,
  bias: usize,
  flags: i32,
  scratch: usize,
): void {
  const pixel = (<usize>channels) << 2
  const side = <usize>axisPoints
  for (let t = first; t < first + tiles; t++, from += pixel) {
    const inImage = t % (down * across)
    const row = (inImage / across) * TILE_SIZE
    const column = (inImage % across) * TILE_SIZE
    const to = y + <usize>(t / (down * across)) * yImage + <usize>row * yRow + <usize>column * pixel
    const rows = min(TILE_SIZE, height - row)
    const columns = min(TILE_SIZE, width - column)
    for (let c: usize = 0; c < pixel; c += 16) {
      for (let i: usize = 0; i < side; i++) gather(axisPoints, from + c + i * point, side * point, scratch + (i << 4), LINE)
      const start = flags & 4 ? f32x4.splat(0) : v128.load(bias + c)
      for (let i = 0; i < rows; i++) {
        const line = scratch + <usize>i * LINE
        gather(axisPoints, line, 16, line, 16)
        for (let j = 0; j < columns; j++) {
          let value = f32x4.add(v128.load(line + ((<usize>j) << 4)), start)
          if (flags & 1) value = f32x4.pmax(value, f32x4.splat(0))
          if (flags & 8) value = f32x4.pmin(value, f32x4.splat(6))
          v128.store(to + c + <usize>i * yRow + <usize>j * pixel, value)
        }
      }
    }
  }
}

/** Values of the output's gradient at the points, [tiles, channels] at `to`. Pixels beyond [height, width] count as 0. */
export function winogradGradient(
  dy: usize,
  dyImage: usize,
  dyRow: usize,
  height: i32,
  width: i32,
  channels: i32,
  axisPoints: i32,
  down: i32,
  across: i32,
  first: i32,
  tiles: i32,
  to: usize,
  point: usize,
  scratch: usize,
): void {
  const pixel = (<usize>channels) << 2
  const side = <usize>axisPoints
  const zero = f32x4.splat(0)
  for (let t = first; t < first + tiles; t++, to += pixel) {
    const inImage = t % (down * across)
    const row = (inImage / across) * TILE_SIZE
    const column = (inImage % across) * TILE_SIZE
    const from = dy + <usize>(t / (down * across)) * dyImage + <usize>row * dyRow + <usize>column * pixel
    const rows = min(TILE_SIZE, height - row)
    const columns = min(TILE_SIZE, width - column)
    for (let c: usize = 0; c < pixel; c += 16) {
      for (let i = 0; i < TILE_SIZE; i++) {
        const at = scratch + ((<usize>i) << 4)
        if (i < columns && rows === TILE_SIZE) {
          expand(axisPoints, from + c + <usize>i * pixel, dyRow, at, LINE)
          continue
        }
        // the tile hangs over: what lies there is not read
        for (let j = 0; j < TILE_SIZE; j++)
          v128.store(at + <usize>j * LINE, i < columns && j < rows ? v128.load(from + c + <usize>i * pixel + <usize>j * dyRow) : zero)
        expand(axisPoints, at, LINE, at, LINE)
      }
      for (let i: usize = 0; i < side; i++) expand(axisPoints, scratch + i * LINE, 16, to + c + side * i * point, point)
    }
  }
}

/** Adds the input's gradient from the products at the points, [tiles, channels] at `from`, to `dx`: the first value that the first tile of the first image read. Tiles overlap. */
export function winogradInputGradient(
  from: usize,
  point: usize,
  first: i32,
  tiles: i32,
  dx: usize,
  dxImage: usize,
  dxRow: usize,
  channels: i32,
  axisPoints: i32,
  down: i32,
  across: i32,
  scratch: usize,
): void {
  const pixel = (<usize>channels) << 2
  const side = <usize>axisPoints
  for (let t = first; t < first + tiles; t++, from += pixel) {
    const inImage = t % (down * across)
    const row = inImage / across
    const column = inImage - row * across
    const to = dx + <usize>(t / (down * across)) * dxImage + <usize>(row * TILE_SIZE) * dxRow + <usize>(column * TILE_SIZE) * pixel
    for (let c: usize = 0; c < pixel; c += 16) {
      memory.fill(scratch, 0, side * LINE)
      for (let i: usize = 0; i < side; i++) spread(axisPoints, from + c + i * point, side * point, scratch + (i << 4), LINE)
      for (let i: usize = 0; i < side; i++) spread(axisPoints, scratch + i * LINE, 16, to + c + i * dxRow, pixel)
    }
  }
}

/**
 * Panels of a filter's values at the points: of the filter [taps, taps, channels, filters] as it is (rows are channels, columns `count` filters from `first`) or, `transposed`, for the
 * input's gradient (rows are filters, columns `count` channels from `first`). `scratch`: 2 kB.
 */
export function winogradFilter(
  filter: usize,
  axisPoints: i32,
  channels: i32,
  filters: i32,
  transposed: i32,
  first: i32,
  count: i32,
  to: usize,
  point: usize,
  scratch: usize,
): void {
  const line = (<usize>filters) << 2
  const tap = <usize>channels * line
  const values = scratch + 1024
  const taps = axisPoints - TILE_SIZE + 1
  const side = <usize>axisPoints
  const rows = transposed ? filters : channels
  const c0 = transposed ? first : 0
  const c1 = transposed ? first + count : channels
  const f0 = transposed ? 0 : first
  const f1 = transposed ? filters : first + count
  for (let c = c0; c < c1; c++) {
    for (let f = f0; f < f1; f += 4) {
      const from = filter + <usize>c * line + ((<usize>f) << 2)
      for (let i = 0; i < taps; i++) filterPoints(axisPoints, from + <usize>i * tap, <usize>taps * tap, scratch + ((<usize>i) << 4), LINE)
      if (transposed) {
        for (let i: usize = 0; i < side; i++) filterPoints(axisPoints, scratch + i * LINE, 16, values + i * side * 16, 16)
        let at = to + <usize>(c >> 3) * <usize>rows * 32 + ((<usize>f) << 5) + ((<usize>(c & 7)) << 2)
        for (let p: usize = 0; p < side * side; p++, at += point) {
          const value = v128.load(values + (p << 4))
          v128.store_lane<f32>(at, value, 0)
          v128.store_lane<f32>(at, value, 1, 32)
          v128.store_lane<f32>(at, value, 2, 64)
          v128.store_lane<f32>(at, value, 3, 96)
        }
      } else {
        const at = to + <usize>(f >> 3) * <usize>rows * 32 + ((<usize>c) << 5) + ((<usize>(f & 4)) << 2)
        for (let i: usize = 0; i < side; i++) filterPoints(axisPoints, scratch + i * LINE, 16, at + side * i * point, point)
      }
    }
  }
}

/** Of `points` points, sums over all tiles of the input's values [tiles, channels] times the gradient's [tiles, filters]: [channels, filters], written (mode 0) or added (1). `runs`: a table that holds a 0. `scratch`: 8 kB, or where there is one tile, 32 bytes for each 8 filters. */
export function winogradSums(
  input: usize,
  inputPoint: usize,
  gradient: usize,
  gradientPoint: usize,
  tiles: i32,
  channels: i32,
  filters: i32,
  points: i32,
  to: usize,
  toPoint: usize,
  mode: i32,
  runs: usize,
  scratch: usize,
): void {
  const inPixel = (<usize>channels) << 2
  const pixel = (<usize>filters) << 2
  for (let p = 0; p < points; p++, input += inputPoint, gradient += gradientPoint, to += toPoint) {
    for (let t = 0; t < tiles; t += BLOCK) {
      const x = input + <usize>t * inPixel
      const dy = gradient + <usize>t * pixel
      const count = min(BLOCK, tiles - t)
      store<u32>(scratch, touch(x, inPixel, count, channels) + touch(dy, pixel, count, filters))
      filterGradient(x, 0, 0, inPixel, dy, 0, 0, pixel, 1, 1, count, runs, 1, channels, to, pixel, filters, t > 0 ? 1 : mode, 0, scratch)
    }
  }
}

/** The filter's gradient [taps, taps, channels, filters] of `count` channels from `first`, from the sums at the points. Mode and rate as in filterGradient. */
export function winogradFilterGradient(
  sums: usize,
  point: usize,
  axisPoints: i32,
  channels: i32,
  filters: i32,
  first: i32,
  count: i32,
  target: usize,
  mode: i32,
  rate: f32,
  scratch: usize,
): void {
  const line = (<usize>filters) << 2
  const tap = <usize>channels * line
  const factor = f32x4.splat(-rate)
  const taps = axisPoints - TILE_SIZE + 1
  const side = <usize>axisPoints
  for (let at = <usize>first * line, end = at + <usize>count * line; at < end; at += 16) {
    for (let i: usize = 0; i < side; i++) filterTaps(axisPoints, sums + at + i * point, side * point, scratch + (i << 4), LINE)
    for (let i = 0; i < taps; i++) {
      const from = scratch + <usize>i * LINE
      filterTaps(axisPoints, from, 16, from, 16)
      let to = target + at + <usize>(i * taps) * tap
      for (let j = 0; j < taps; j++, to += tap) {
        const value = v128.load(from + ((<usize>j) << 4))
        v128.store(to, mode === 2 ? madd(value, factor, v128.load(to)) : value)
      }
    }
  }
}
