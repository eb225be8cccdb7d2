import { packPanel, packPixels, packTransposedPanel } from './packing.ts'
import { gradientTile, ROWS, tile } from './tiles.ts'

/** Pixels of one block: their outputs stay in the second-level cache while all panels pass over them. */
const BLOCK: i32 = 512

/** Rows of a matrix that a product goes over at a time. */
const PART: i32 = 64

/** Rows of the next tile when `left` rows are left: tiles of nearly the same size, none over ROWS. */
/** @inline */
export function nextTile(left: i32): i32 {
  const tiles = (left + ROWS - 1) / ROWS
  return (left + tiles - 1) / tiles
}

/**
 * Convolution without a copy of the input: each output pixel reads `runCount` runs of `run` floats, at the byte offsets of the table `runs` from
 * its own first input value. Strides are bytes; padding is what lies around the input (zeros). `panels` come from packPanels or packTaps.
 * Flags: 1 ReLU, 2 add to the output, 4 no bias, 8 at most 6. `scratch`: 64 bytes. A dense layer is a convolution over images of one pixel.
 */
export function convolve(
  input: usize,
  inImage: usize,
  inRow: usize,
  inPixel: usize,
  output: usize,
  outImage: usize,
  outRow: usize,
  outPixel: usize,
  images: i32,
  height: i32,
  width: i32,
  runs: usize,
  runCount: i32,
  run: i32,
  panels: usize,
  channels: i32,
  bias: usize,
  flags: i32,
  scratch: usize,
): void {
  const runsEnd = runs + ((<usize>runCount) << 2)
  const panelBytes = <usize>(runCount * run) * 32
  const area = height * width
  const blockImages = max(1, BLOCK / area)
  for (let first = 0; first < images; first += blockImages) {
    const pixels = min(blockImages, images - first) * area
    let panel = panels
    for (let c = 0; c < channels; c += 8, panel += panelBytes) {
      let inLine = input + <usize>first * inImage
      let outLine = output + <usize>first * outImage
      let inAt = inLine
      let outAt = outLine
      let x = 0
      let y = 0
      for (let p = 0; p < pixels; ) {
        const count = nextTile(pixels - p)
        for (let r = 0; r < count; r++) {
          store<usize>(scratch + ((<usize>r) << 2), inAt)
          store<usize>(scratch + ((<usize>r) << 2), outAt, 24)
          inAt += inPixel
          outAt += outPixel
          if (++x === width) {
            x = 0
            if (++y === height) {
              y = 0
              inLine += inImage - <usize>(height - 1) * inRow
              outLine += outImage - <usize>(height - 1) * outRow
            } else {
              inLine += inRow
              outLine += outRow
            }
            inAt = inLine
            outAt = outLine
          }
        }
        p += count
        tile(count, scratch, runs, runsEnd, run, panel, bias + ((<usize>c) << 2), (<usize>c) << 2, min(8, channels - c), flags)
      }
    }
  }
}

/** Reads a value of each line of some rows of a matrix, and hands back what nobody needs: so all lines come nearer at once, where packing them waits for a few at a time. */
export function touch(from: usize, stride: usize, rows: i32, columns: i32): u32 {
  const bytes = (<usize>columns) << 2
  let sum: u32 = 0
  for (let r = 0; r < rows; r++, from += stride) for (let at: usize = 0; at < bytes; at += 64) sum += load<u8>(from + at)
  return sum
}

/**
 * c = a * b (or a * transposed b) for row-major matrices: a [rows, inner], b [inner, columns] or, transposed, [columns, inner]; row strides in bytes. Packs two panels
 * at a time, so that each cache line of b is read once. Flags and bias as in convolve. `scratch`: 64 bytes and 64 * inner.
 */
export function multiply(
  a: usize,
  aStride: usize,
  b: usize,
  bStride: usize,
  transposed: i32,
  c: usize,
  cStride: usize,
  rows: i32,
  inner: i32,
  columns: i32,
  bias: usize,
  flags: i32,
  scratch: usize,
): void {
  const packed = scratch + 64
  store<usize>(scratch, 0, 48)
  // rows of b by the part: over all of them at once, each would be on a page of its own, and looking its address up takes longer than the product
  const most = transposed ? inner : PART
  for (let from = 0; from < inner; from += most) {
    const part = min(most, inner - from)
    // only the first part begins with the bias, and only the last one cuts off
    let own = from > 0 ? (flags & ~4) | 2 : flags
    if (from + part < inner) own &= ~9
    if (!transposed) store<u32>(scratch + 56, touch(b, bStride, part, columns))
    for (let first = 0; first < columns; first += 16) {
      if (transposed) store<u32>(scratch + 56, touch(b + <usize>first * bStride, bStride, min(16, columns - first), inner))
      for (let half = 0; half < 2; half++) {
        const column = first + half * 8
        if (column >= columns) break
        const to = packed + <usize>(half * part) * 32
        const count = min(8, columns - column)
        if (transposed) packTransposedPanel(b + <usize>column * bStride, bStride, part, count, to)
        else packPanel(b + ((<usize>column) << 2), bStride, part, count, to)
      }
      for (let r = 0; r < rows; ) {
        const count = nextTile(rows - r)
        for (let i = 0; i < count; i++, r++) {
          store<usize>(scratch + ((<usize>i) << 2), a + <usize>r * aStride)
          store<usize>(scratch + ((<usize>i) << 2), c + <usize>r * cStride, 24)
        }
        for (let half = 0; half < 2; half++) {
          const column = first + half * 8
          if (column >= columns) break
          const panel = packed + <usize>(half * part) * 32
          const offset = (<usize>column) << 2
          tile(count, scratch, scratch + 48, scratch + 52, part, panel, bias + offset, offset, min(8, columns - column), own)
        }
      }
    }
    a += (<usize>part) << 2
    b += <usize>part * bStride
  }
}

/**
 * Gradient of a filter [runCount * run, channels]: for each of its rows the sum over all pixels of the input value that it meets times the output
 * gradient. Strides are bytes, `stride` that of the target's rows; `runs` as in convolve. Mode 0 writes `target`, 1 adds to it, 2 subtracts rate times the gradient from it (a fused SGD
 * step). `scratch`: 32 bytes a pixel of min(images, max(1, 512 / (height * width))) images, and with one pixel an image, times ceil(channels / 8).
 */
export function filterGradient(
  input: usize,
  inImage: usize,
  inRow: usize,
  inPixel: usize,
  gradient: usize,
  gradientImage: usize,
  gradientRow: usize,
  gradientPixel: usize,
  images: i32,
  height: i32,
  width: i32,
  runs: usize,
  runCount: i32,
  run: i32,
  target: usize,
  stride: usize,
  channels: i32,
  mode: i32,
  rate: f32,
  scratch: usize,
): void {
  if (height * width === 1) {
    // a dense layer: few rows, many weights; each row of weights is written once, from end to end
    const panelBytes = <usize>images * 32
    for (let c = 0, to = scratch; c < channels; c += 8, to += panelBytes)
      packPixels(gradient + ((<usize>c) << 2), gradientImage, 0, gradientImage, 1, 1, images, min(8, channels - c), to)
    for (let k = 0; k < runCount; k++) {
      let at = input + load<usize>(runs + ((<usize>k) << 2))
      let to = target + <usize>(k * run) * stride
      for (let left = run; left > 0; ) {
        const count = nextTile(left)
        let panel = scratch
        for (let c = 0; c < channels; c += 8, panel += panelBytes)
          gradientTile(count, at, panel, 1, 0, 1, 0, images, inImage, to + ((<usize>c) << 2), stride, min(8, channels - c), mode, rate)
        left -= count
        at += (<usize>count) << 2
        to += <usize>count * stride
      }
    }
    return
  }
  const blockImages = max(1, BLOCK / (height * width))
  for (let first = 0; first < images; first += blockImages) {
    const count = min(blockImages, images - first)
    const from = input + <usize>first * inImage
    const blockMode = first > 0 && mode === 0 ? 1 : mode
    for (let c = 0; c < channels; c += 8) {
      const columns = min(8, channels - c)
      const dy = gradient + <usize>first * gradientImage + ((<usize>c) << 2)
      packPixels(dy, gradientImage, gradientRow, gradientPixel, count, height, width, columns, scratch)
      for (let k = 0; k < runCount; k++) {
        let at = from + load<usize>(runs + ((<usize>k) << 2))
        let to = target + <usize>(k * run) * stride + ((<usize>c) << 2)
        for (let left = run; left > 0; ) {
          const rows = nextTile(left)
          gradientTile(rows, at, scratch, count, inImage, height, inRow, width, inPixel, to, stride, columns, blockMode, rate)
          left -= rows
          at += (<usize>rows) << 2
          to += <usize>rows * stride
        }
      }
    }
  }
}

/** The fastest tile on data in the first-level cache, `repeats` times over `inner` steps: 16 * ROWS * inner * repeats operations. Returns ROWS. `scratch`: 256 + 64 * inner bytes. */
export function calibrate(inner: i32, repeats: i32, scratch: usize): i32 {
  store<usize>(scratch, 0, 48)
  const data = scratch + 256
  for (let r = 0; r < ROWS; r++) {
    store<usize>(scratch + ((<usize>r) << 2), data + <usize>inner * 32 + <usize>(r * inner) * 4)
    store<usize>(scratch + ((<usize>r) << 2), scratch + 64, 24)
  }
  for (let i = 0; i < repeats; i++) tile(ROWS, scratch, scratch + 48, scratch + 52, inner, data, 0, 0, 8, 4)
  return ROWS
}
