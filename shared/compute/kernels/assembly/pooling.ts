import { loadSome, storeSome } from './vector.ts'

// Max pooling over windows that may overlap and may hang over the border (what lies outside does not take part). Strides are bytes.

/** Nearly all pooling is over windows of 2 x 2 pixels, here of channels in fours. */
function maxOfFour(x: usize, row: usize, pixel: usize, y: usize): void {
  for (let end = x + pixel; x < end; x += 16, y += 16) {
    const above = f32x4.max(v128.load(x), v128.load(x + pixel))
    v128.store(y, f32x4.max(above, f32x4.max(v128.load(x + row), v128.load(x + row + pixel))))
  }
}

/** The same windows' gradients. */
function gradientOfFour(x: usize, xRow: usize, pixel: usize, y: usize, dy: usize, dx: usize, dxRow: usize, add: i32, positive: i32): void {
  const zero = f32x4.splat(0)
  for (let end = x + pixel; x < end; x += 16, y += 16, dy += 16, dx += 16) {
    const most = v128.load(y)
    let gradient = v128.load(dy)
    if (positive) gradient = v128.and(gradient, f32x4.gt(most, zero))
    let here = f32x4.eq(v128.load(x), most)
    let first = v128.and(gradient, here)
    gradient = v128.andnot(gradient, here)
    here = f32x4.eq(v128.load(x + pixel), most)
    let second = v128.and(gradient, here)
    gradient = v128.andnot(gradient, here)
    here = f32x4.eq(v128.load(x + xRow), most)
    let third = v128.and(gradient, here)
    gradient = v128.andnot(gradient, here)
    let fourth = v128.and(gradient, f32x4.eq(v128.load(x + xRow + pixel), most))
    if (add) {
      first = f32x4.add(first, v128.load(dx))
      second = f32x4.add(second, v128.load(dx + pixel))
      third = f32x4.add(third, v128.load(dx + dxRow))
      fourth = f32x4.add(fourth, v128.load(dx + dxRow + pixel))
    }
    v128.store(dx, first)
    v128.store(dx + pixel, second)
    v128.store(dx + dxRow, third)
    v128.store(dx + dxRow + pixel, fourth)
  }
}

export function maxPool(
  x: usize,
  xImage: usize,
  xRow: usize,
  y: usize,
  yImage: usize,
  yRow: usize,
  images: i32,
  height: i32,
  width: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  poolHeight: i32,
  poolWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  top: i32,
  left: i32,
): void {
  const pixel = (<usize>channels) << 2
  for (let i = 0; i < images; i++, x += xImage, y += yImage) {
    for (let oy = 0; oy < outHeight; oy++) {
      const y0 = max(0, oy * strideHeight - top)
      const y1 = min(height, oy * strideHeight - top + poolHeight)
      for (let ox = 0; ox < outWidth; ox++) {
        const x0 = max(0, ox * strideWidth - left)
        const x1 = min(width, ox * strideWidth - left + poolWidth)
        let from = x + <usize>y0 * xRow + <usize>x0 * pixel
        let to = y + <usize>oy * yRow + <usize>ox * pixel
        if (y1 - y0 === 2 && x1 - x0 === 2 && !(channels & 3)) {
          maxOfFour(from, xRow, pixel, to)
          continue
        }
        for (let c = channels; c > 0; c -= 4, from += 16, to += 16) {
          const count = min(4, c)
          let most = f32x4.splat(-Infinity)
          let line = from
          for (let wy = y0; wy < y1; wy++, line += xRow) {
            let p = line
            for (let wx = x0; wx < x1; wx++, p += pixel) most = f32x4.max(most, count === 4 ? v128.load(p) : loadSome(p, count))
          }
          storeSome(to, most, count)
        }
      }
    }
  }
}

/**
 * Hands each output's gradient to the first pixel of its window that holds the maximum. `add`: windows overlap, or leave pixels out, and dx was cleared
 * before; else each dx is written. `positive`: only pixels above 0 take part, which is the gradient of a ReLU before the pooling at the same time.
 */
export function maxPoolGradient(
  x: usize,
  xImage: usize,
  xRow: usize,
  y: usize,
  yImage: usize,
  yRow: usize,
  dy: usize,
  dyImage: usize,
  dyRow: usize,
  dx: usize,
  dxImage: usize,
  dxRow: usize,
  images: i32,
  height: i32,
  width: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  poolHeight: i32,
  poolWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  top: i32,
  left: i32,
  add: i32,
  positive: i32,
): void {
  const pixel = (<usize>channels) << 2
  const floor = f32x4.splat(positive ? 0 : -Infinity)
  for (let i = 0; i < images; i++, x += xImage, y += yImage, dy += dyImage, dx += dxImage) {
    for (let oy = 0; oy < outHeight; oy++) {
      const y0 = max(0, oy * strideHeight - top)
      const y1 = min(height, oy * strideHeight - top + poolHeight)
      for (let ox = 0; ox < outWidth; ox++) {
        const x0 = max(0, ox * strideWidth - left)
        const x1 = min(width, ox * strideWidth - left + poolWidth)
        const inside = <usize>x0 * pixel
        const outside = <usize>ox * pixel
        if (y1 - y0 === 2 && x1 - x0 === 2 && !(channels & 3)) {
          const from = x + <usize>y0 * xRow + inside
          const to = dx + <usize>y0 * dxRow + inside
          gradientOfFour(from, xRow, pixel, y + <usize>oy * yRow + outside, dy + <usize>oy * dyRow + outside, to, dxRow, add, positive)
          continue
        }
        for (let c = channels, at = <usize>0; c > 0; c -= 4, at += 16) {
          const count = min(4, c)
          const whole = count === 4
          const most = whole ? v128.load(y + <usize>oy * yRow + outside + at) : loadSome(y + <usize>oy * yRow + outside + at, count)
          let gradient = whole ? v128.load(dy + <usize>oy * dyRow + outside + at) : loadSome(dy + <usize>oy * dyRow + outside + at, count)
          if (positive) gradient = v128.and(gradient, f32x4.gt(most, floor))
          let from = x + <usize>y0 * xRow + inside + at
          let to = dx + <usize>y0 * dxRow + inside + at
          for (let wy = y0; wy < y1; wy++, from += xRow, to += dxRow) {
            let p = from
            let q = to
            for (let wx = x0; wx < x1; wx++, p += pixel, q += pixel) {
              const here = f32x4.eq(whole ? v128.load(p) : loadSome(p, count), most)
              let part = v128.and(gradient, here)
              gradient = v128.andnot(gradient, here)
              if (add) part = f32x4.add(part, whole ? v128.load(q) : loadSome(q, count))
              if (whole) v128.store(q, part)
              else storeSome(q, part, count)
            }
          }
        }
      }
    }
  }
}
