import { loadSome, madd, storeSome } from './vector.ts'

// Depthwise convolution and averaging: every channel for itself, 4 channels to a vector. The input is read where it lies: padding must be around it.

/**
 * y = sum over the taps of `filter` [kernelHeight, kernelWidth, channels] of x, plus bias (0: none), ReLU with flag 1, at most 6 with flag 8. 4 pixels at
 * a time share each load of the filter.
 */
export function depthwise(
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
  filter: usize,
  kernelHeight: i32,
  kernelWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  bias: usize,
  flags: i32,
): void {
  const pixel = (<usize>channels) << 2
  const step = pixel * <usize>strideWidth
  const floor = f32x4.splat(flags & 1 ? 0 : -Infinity)
  const ceiling = f32x4.splat(flags & 8 ? 6 : Infinity)
  for (let image = 0; image < images; image++, x += xImage, y += yImage) {
    for (let line = 0; line < height; line++) {
      for (let c = 0; c < channels; c += 4) {
        const at = (<usize>c) << 2
        const some = channels - c
        const start = bias === 0 ? f32x4.splat(0) : loadSome(bias + at, some)
        let p = x + <usize>(line * strideHeight) * xRow + at
        let q = y + <usize>line * yRow + at
        let left = width
        for (; left >= 4; left -= 4, p += 4 * step, q += 4 * pixel) {
          let s0 = start
          let s1 = start
          let s2 = start
          let s3 = start
          let w = filter + at
          let source = p
          for (let ky = 0; ky < kernelHeight; ky++, source += xRow) {
            let tap = source
            for (let kx = 0; kx < kernelWidth; kx++, tap += pixel, w += pixel) {
              const weight = v128.load(w)
              s0 = madd(v128.load(tap), weight, s0)
              s1 = madd(v128.load(tap + step), weight, s1)
              s2 = madd(v128.load(tap + 2 * step), weight, s2)
              s3 = madd(v128.load(tap + 3 * step), weight, s3)
            }
          }
          storeSome(q, f32x4.pmin(f32x4.pmax(s0, floor), ceiling), some)
          storeSome(q + pixel, f32x4.pmin(f32x4.pmax(s1, floor), ceiling), some)
          storeSome(q + 2 * pixel, f32x4.pmin(f32x4.pmax(s2, floor), ceiling), some)
          storeSome(q + 3 * pixel, f32x4.pmin(f32x4.pmax(s3, floor), ceiling), some)
        }
        for (; left > 0; left--, p += step, q += pixel) {
          let sum = start
          let w = filter + at
          let source = p
          for (let ky = 0; ky < kernelHeight; ky++, source += xRow) {
            let tap = source
            for (let kx = 0; kx < kernelWidth; kx++, tap += pixel, w += pixel) sum = madd(v128.load(tap), v128.load(w), sum)
          }
          storeSome(q, f32x4.pmin(f32x4.pmax(sum, floor), ceiling), some)
        }
      }
    }
  }
}

/** target [kernelHeight, kernelWidth, channels] = for each tap the sum over all pixels of the x that it meets times dy. Pixels and taps are `pixel` bytes apart. */
export function depthwiseFilterGradient(
  x: usize,
  xImage: usize,
  xRow: usize,
  dy: usize,
  dyImage: usize,
  dyRow: usize,
  pixel: usize,
  images: i32,
  height: i32,
  width: i32,
  channels: i32,
  kernelHeight: i32,
  kernelWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  target: usize,
): void {
  const step = pixel * <usize>strideWidth
  for (let tap = 0; tap < kernelHeight * kernelWidth; tap++) memory.fill(target + <usize>tap * pixel, 0, (<usize>channels) << 2)
  for (let image = 0; image < images; image++, x += xImage, dy += dyImage) {
    for (let line = 0; line < height; line++) {
      for (let c = 0; c < channels; c += 4) {
        const at = (<usize>c) << 2
        const some = channels - c
        let w = target + at
        for (let ky = 0; ky < kernelHeight; ky++) {
          const source = x + <usize>(line * strideHeight + ky) * xRow + at
          let kx = 0
          for (; kx + 3 <= kernelWidth; kx += 3, w += 3 * pixel) {
            let s0 = f32x4.splat(0)
            let s1 = s0
            let s2 = s0
            let p = source + <usize>kx * pixel
            let q = dy + <usize>line * dyRow + at
            for (let k = 0; k < width; k++, p += step, q += pixel) {
              const given = v128.load(q)
              s0 = madd(v128.load(p), given, s0)
              s1 = madd(v128.load(p + pixel), given, s1)
              s2 = madd(v128.load(p + 2 * pixel), given, s2)
            }
            storeSome(w, f32x4.add(loadSome(w, some), s0), some)
            storeSome(w + pixel, f32x4.add(loadSome(w + pixel, some), s1), some)
            storeSome(w + 2 * pixel, f32x4.add(loadSome(w + 2 * pixel, some), s2), some)
          }
          for (; kx < kernelWidth; kx++, w += pixel) {
            let sum = f32x4.splat(0)
            let p = source + <usize>kx * pixel
            let q = dy + <usize>line * dyRow + at
            for (let k = 0; k < width; k++, p += step, q += pixel) sum = madd(v128.load(p), v128.load(q), sum)
            storeSome(w, f32x4.add(loadSome(w, some), sum), some)
          }
        }
      }
    }
  }
}

/** The taps of a depthwise filter in reverse order: the filter of its input's gradient where the stride is 1. */
export function reverseTaps(filter: usize, taps: i32, channels: i32, to: usize): void {
  const pixel = (<usize>channels) << 2
  for (let tap = taps - 1; tap >= 0; tap--, to += pixel) memory.copy(to, filter + <usize>tap * pixel, pixel)
}

/** Adds to each x that an output read its tap's share of dy: the input's gradient for any stride. Inputs outside [inHeight, inWidth] are padding. */
export function depthwiseScatter(
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
  inHeight: i32,
  inWidth: i32,
  filter: usize,
  kernelHeight: i32,
  kernelWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  top: i32,
  left: i32,
): void {
  const pixel = (<usize>channels) << 2
  for (let image = 0; image < images; image++, dy += dyImage, dx += dxImage) {
    for (let line = 0; line < height; line++) {
      for (let ky = 0; ky < kernelHeight; ky++) {
        const y = line * strideHeight + ky - top
        if (y < 0 || y >= inHeight) continue
        for (let k = 0; k < width; k++) {
          const q = dy + <usize>line * dyRow + <usize>k * pixel
          for (let kx = 0; kx < kernelWidth; kx++) {
            const column = k * strideWidth + kx - left
            if (column < 0 || column >= inWidth) continue
            const p = dx + <usize>y * dxRow + <usize>column * pixel
            const w = filter + <usize>(ky * kernelWidth + kx) * pixel
            for (let c = 0; c < channels; c += 4) {
              const at = (<usize>c) << 2
              const some = channels - c
              storeSome(p + at, madd(loadSome(q + at, some), loadSome(w + at, some), loadSome(p + at, some)), some)
            }
          }
        }
      }
    }
  }
}

/**
 * Average of each window over the inputs that are inside [inHeight, inWidth]; with `back` 1 its gradient: x then is where the gradient is added, y is dy.
 */
export function averagePool(
  x: usize,
  xImage: usize,
  xRow: usize,
  y: usize,
  yImage: usize,
  yRow: usize,
  images: i32,
  inHeight: i32,
  inWidth: i32,
  channels: i32,
  height: i32,
  width: i32,
  poolHeight: i32,
  poolWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  top: i32,
  left: i32,
  back: i32,
): void {
  const pixel = (<usize>channels) << 2
  for (let image = 0; image < images; image++, x += xImage, y += yImage) {
    for (let line = 0; line < height; line++) {
      const y0 = max(0, line * strideHeight - top)
      const y1 = min(inHeight, line * strideHeight - top + poolHeight)
      for (let k = 0; k < width; k++) {
        const x0 = max(0, k * strideWidth - left)
        const x1 = min(inWidth, k * strideWidth - left + poolWidth)
        const share = f32x4.splat(<f32>1 / <f32>((y1 - y0) * (x1 - x0)))
        const q = y + <usize>line * yRow + <usize>k * pixel
        for (let c = 0; c < channels; c += 4) {
          const at = (<usize>c) << 2
          const some = channels - c
          if (back) {
            const given = f32x4.mul(loadSome(q + at, some), share)
            for (let iy = y0; iy < y1; iy++) {
              let p = x + <usize>iy * xRow + <usize>x0 * pixel + at
              for (let ix = x0; ix < x1; ix++, p += pixel) storeSome(p, f32x4.add(loadSome(p, some), given), some)
            }
            continue
          }
          let sum = f32x4.splat(0)
          for (let iy = y0; iy < y1; iy++) {
            let p = x + <usize>iy * xRow + <usize>x0 * pixel + at
            for (let ix = x0; ix < x1; ix++, p += pixel) sum = f32x4.add(sum, v128.load(p))
          }
          storeSome(q + at, f32x4.mul(sum, share), some)
        }
      }
    }
  }
}
