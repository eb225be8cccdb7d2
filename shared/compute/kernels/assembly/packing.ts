import { loadSome } from './vector.ts'

// Panels: 8 columns of a matrix, row after row, so that a tile reads them as one stream. Columns that the matrix lacks are zeros.

/** One panel from `columns` (1 to 8) adjacent columns of a row-major matrix of `rows` rows, `stride` bytes apart. */
export function packPanel(from: usize, stride: usize, rows: i32, columns: i32, to: usize): void {
  if (columns === 8) {
    for (let r = 0; r < rows; r++, from += stride, to += 32) {
      v128.store(to, v128.load(from))
      v128.store(to, v128.load(from, 16), 16)
    }
    return
  }
  for (let r = 0; r < rows; r++, from += stride, to += 32) {
    v128.store(to, loadSome(from, columns))
    v128.store(to, columns > 4 ? loadSome(from + 16, columns - 4) : f32x4.splat(0), 16)
  }
}

/** All panels of a row-major matrix [rows, columns] whose rows are `stride` bytes apart. */
export function packPanels(from: usize, stride: usize, rows: i32, columns: i32, to: usize): void {
  for (let c = 0; c < columns; c += 8, to += <usize>rows * 32) packPanel(from + ((<usize>c) << 2), stride, rows, min(8, columns - c), to)
}

/** One panel whose columns are `columns` (1 to 8) adjacent rows of a row-major matrix, `length` floats each, `stride` bytes apart. */
export function packTransposedPanel(from: usize, stride: usize, length: i32, columns: i32, to: usize): void {
  if (columns < 8) memory.fill(to, 0, <usize>length * 32)
  let c = 0
  for (; c + 4 <= columns; c += 4, from += 4 * stride, to += 16) {
    let x = 0
    let source = from
    let target = to
    for (; x + 4 <= length; x += 4, source += 16, target += 128) {
      const r0 = v128.load(source)
      const r1 = v128.load(source + stride)
      const r2 = v128.load(source + 2 * stride)
      const r3 = v128.load(source + 3 * stride)
      const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5)
      const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7)
      const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5)
      const high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7)
      v128.store(target, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5))
      v128.store(target, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7), 32)
      v128.store(target, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5), 64)
      v128.store(target, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7), 96)
    }
    for (; x < length; x++, source += 4, target += 32)
      for (let i = 0; i < 4; i++) f32.store(target + ((<usize>i) << 2), f32.load(source + <usize>i * stride))
  }
  for (; c < columns; c++, from += stride, to += 4)
    for (let x = 0; x < length; x++) f32.store(to + ((<usize>x) << 5), f32.load(from + ((<usize>x) << 2)))
}

/**
 * Panels of a filter for its input gradient: rows are (tap, output channel), columns input channels. `taps` is a table of `tapCount` byte offsets of
 * [inputs, outputs] matrices in the filter, in the order in which the gradient's pixels are met.
 */
export function packTaps(filter: usize, taps: usize, tapCount: i32, inputs: i32, outputs: i32, to: usize): void {
  const stride = (<usize>outputs) << 2
  for (let c = 0; c < inputs; c += 8) {
    for (let t = 0; t < tapCount; t++, to += <usize>outputs * 32)
      packTransposedPanel(filter + load<usize>(taps + ((<usize>t) << 2)) + <usize>c * stride, stride, outputs, min(8, inputs - c), to)
  }
}

/** One panel of `columns` channels over all pixels of a batch with strides in bytes: what a filter gradient multiplies with. */
export function packPixels(
  from: usize,
  image: usize,
  row: usize,
  pixel: usize,
  images: i32,
  height: i32,
  width: i32,
  columns: i32,
  to: usize,
): void {
  for (let i = 0; i < images; i++, from += image) {
    let line = from
    for (let y = 0; y < height; y++, line += row, to += <usize>width * 32) packPanel(line, pixel, width, columns, to)
  }
}
