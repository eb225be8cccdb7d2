import { loadSome, madd, storeSome, sumLanes } from './vector.ts'

// Batch normalisation (Ioffe and Szegedy 2015) over the pixels of each channel, layer normalisation (Ba et al. 2016) over each row. Strides are bytes;
// pixels of a line are adjacent, or `pixel` bytes apart.

/** For each channel the sums over all pixels of x - shift (power 1) or its square (2), times `factor`. A `shift` of 0 is none. */
export function channelPowers(
  x: usize,
  image: usize,
  row: usize,
  pixel: usize,
  images: i32,
  height: i32,
  width: i32,
  channels: i32,
  shift: usize,
  power: i32,
  factor: f32,
  to: usize,
): void {
  for (let c = 0; c < channels; c += 4) {
    const at = (<usize>c) << 2
    const some = channels - c
    const less = shift === 0 ? f32x4.splat(0) : loadSome(shift + at, some)
    let total = f32x4.splat(0)
    for (let i = 0; i < images; i++) {
      let sum = f32x4.splat(0)
      for (let y = 0; y < height; y++) {
        let p = x + <usize>i * image + <usize>y * row + at
        if (power === 1) for (let k = 0; k < width; k++, p += pixel) sum = f32x4.add(sum, v128.load(p))
        else
          for (let k = 0; k < width; k++, p += pixel) {
            const d = f32x4.sub(v128.load(p), less)
            sum = madd(d, d, sum)
          }
      }
      total = f32x4.add(total, sum)
    }
    storeSome(to + at, f32x4.mul(total, f32x4.splat(factor)), some)
  }
}

/**
 * What batch normalisation multiplies and adds: y = x * scale + shift, from mean, variance, gamma and beta (0: none); `inverse` takes 1 over the
 * deviation.
 */
export function batchScale(
  mean: usize,
  variance: usize,
  gamma: usize,
  beta: usize,
  channels: i32,
  epsilon: f32,
  inverse: usize,
  scale: usize,
  shift: usize,
): void {
  for (let c = 0; c < channels; c += 4) {
    const at = (<usize>c) << 2
    const some = channels - c
    const inv = f32x4.div(f32x4.splat(1), f32x4.sqrt(f32x4.add(loadSome(variance + at, some), f32x4.splat(epsilon))))
    const factor = gamma === 0 ? inv : f32x4.mul(inv, loadSome(gamma + at, some))
    const offset = beta === 0 ? f32x4.splat(0) : loadSome(beta + at, some)
    storeSome(inverse + at, inv, some)
    storeSome(scale + at, factor, some)
    storeSome(shift + at, f32x4.sub(offset, f32x4.mul(loadSome(mean + at, some), factor)), some)
  }
}

/** to += share * (from - to) */
export function moveTowards(to: usize, from: usize, count: i32, share: f32): void {
  for (let i = count; i > 0; i -= 4, to += 16, from += 16) {
    const held = loadSome(to, i)
    storeSome(to, madd(f32x4.sub(loadSome(from, i), held), f32x4.splat(share), held), i)
  }
}

/** y = x * scale + shift for each channel, ReLU with flag 1; a `scale` of 0 is none. */
export function channelAffine(
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
  scale: usize,
  shift: usize,
  flags: i32,
): void {
  const pixel = (<usize>channels) << 2
  const floor = f32x4.splat(flags & 1 ? 0 : -Infinity)
  for (let i = 0; i < images; i++, x += xImage, y += yImage) {
    for (let line = 0; line < height; line++) {
      for (let c = 0; c < channels; c += 4) {
        const at = (<usize>c) << 2
        const some = channels - c
        const factor = scale === 0 ? f32x4.splat(1) : loadSome(scale + at, some)
        const offset = loadSome(shift + at, some)
        let p = x + <usize>line * xRow + at
        let q = y + <usize>line * yRow + at
        if (some >= 4)
          for (let k = 0; k < width; k++, p += pixel, q += pixel) v128.store(q, f32x4.pmax(madd(v128.load(p), factor, offset), floor))
        else
          for (let k = 0; k < width; k++, p += pixel, q += pixel)
            storeSome(q, f32x4.pmax(madd(loadSome(p, some), factor, offset), floor), some)
      }
    }
  }
}

/** Sums over all pixels of dy (to `dbeta`) and of dy times the normalised x (to `dgamma`). */
export function batchGradientSums(
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
  mean: usize,
  inverse: usize,
  dgamma: usize,
  dbeta: usize,
): void {
  for (let c = 0; c < channels; c += 4) {
    const at = (<usize>c) << 2
    const some = channels - c
    const m = loadSome(mean + at, some)
    let gamma = f32x4.splat(0)
    let beta = f32x4.splat(0)
    for (let i = 0; i < images; i++) {
      let products = f32x4.splat(0)
      let sums = f32x4.splat(0)
      for (let line = 0; line < height; line++) {
        let p = x + <usize>i * xImage + <usize>line * xRow + at
        let q = dy + <usize>i * dyImage + <usize>line * dyRow + at
        for (let k = 0; k < width; k++, p += pixel, q += pixel) {
          const given = v128.load(q)
          sums = f32x4.add(sums, given)
          products = madd(given, f32x4.sub(v128.load(p), m), products)
        }
      }
      gamma = f32x4.add(gamma, products)
      beta = f32x4.add(beta, sums)
    }
    storeSome(dgamma + at, f32x4.mul(gamma, loadSome(inverse + at, some)), some)
    storeSome(dbeta + at, beta, some)
  }
}

/** dx = scale (dy - mean of dy - normalised x * mean of dy times normalised x). `share` is 1 over the number of pixels; dx and dy may be the same. */
export function batchGradient(
  x: usize,
  xImage: usize,
  xRow: usize,
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
  mean: usize,
  inverse: usize,
  scale: usize,
  dgamma: usize,
  dbeta: usize,
  share: f32,
): void {
  const pixel = (<usize>channels) << 2
  for (let i = 0; i < images; i++, x += xImage, dy += dyImage, dx += dxImage) {
    for (let line = 0; line < height; line++) {
      for (let c = 0; c < channels; c += 4) {
        const at = (<usize>c) << 2
        const some = channels - c
        const factor = loadSome(scale + at, some)
        const inv = loadSome(inverse + at, some)
        // dx = a dy + b (x - mean) + e
        const b = f32x4.mul(f32x4.mul(f32x4.mul(factor, inv), loadSome(dgamma + at, some)), f32x4.splat(-share))
        const e = f32x4.mul(f32x4.mul(factor, loadSome(dbeta + at, some)), f32x4.splat(-share))
        const m = loadSome(mean + at, some)
        let p = x + <usize>line * xRow + at
        let q = dy + <usize>line * dyRow + at
        let r = dx + <usize>line * dxRow + at
        for (let k = 0; k < width; k++, p += pixel, q += pixel, r += pixel)
          storeSome(r, madd(loadSome(q, some), factor, madd(f32x4.sub(loadSome(p, some), m), b, e)), some)
      }
    }
  }
}

/** Each row to mean 0 and variance 1, then times gamma plus beta (0: none). `stats` takes mean and inverse deviation of each row. */
export function layerNormalize(x: usize, y: usize, rows: i32, width: i32, gamma: usize, beta: usize, epsilon: f32, stats: usize): void {
  const stride = (<usize>width) << 2
  for (let row = 0; row < rows; row++, x += stride, y += stride, stats += 8) {
    let sums = f32x4.splat(0)
    for (let c = 0; c < width; c += 4) sums = f32x4.add(sums, loadSome(x + ((<usize>c) << 2), width - c))
    const mean = sumLanes(sums) / <f32>width
    let squares: f32 = 0
    for (let c = 0; c < width; c++) {
      const d = f32.load(x + ((<usize>c) << 2)) - mean
      squares += d * d
    }
    const inverse: f32 = <f32>1 / sqrt(squares / <f32>width + epsilon)
    f32.store(stats, mean)
    f32.store(stats, inverse, 4)
    for (let c = 0; c < width; c += 4) {
      const at = (<usize>c) << 2
      const some = width - c
      let value = f32x4.mul(f32x4.sub(loadSome(x + at, some), f32x4.splat(mean)), f32x4.splat(inverse))
      if (gamma !== 0) value = f32x4.mul(value, loadSome(gamma + at, some))
      if (beta !== 0) value = f32x4.add(value, loadSome(beta + at, some))
      storeSome(y + at, value, some)
    }
  }
}

/** Gradients of layerNormalize: `dgamma` and `dbeta` (0: none) are written, `dx` may be 0 for none. */
export function layerGradient(
  x: usize,
  dy: usize,
  dx: usize,
  rows: i32,
  width: i32,
  gamma: usize,
  stats: usize,
  dgamma: usize,
  dbeta: usize,
): void {
  const stride = (<usize>width) << 2
  if (dgamma !== 0) memory.fill(dgamma, 0, stride)
  if (dbeta !== 0) memory.fill(dbeta, 0, stride)
  for (let row = 0; row < rows; row++, x += stride, dy += stride, stats += 8) {
    const mean = v128.load32_splat(stats)
    const inverse = v128.load32_splat(stats, 4)
    let sums = f32x4.splat(0)
    let products = f32x4.splat(0)
    for (let c = 0; c < width; c += 4) {
      const at = (<usize>c) << 2
      const some = width - c
      const given = loadSome(dy + at, some)
      // lanes past the end would hold -mean: the gradient's zeros there take them out
      const hat = f32x4.mul(f32x4.sub(loadSome(x + at, some), mean), inverse)
      if (dgamma !== 0) storeSome(dgamma + at, madd(given, hat, loadSome(dgamma + at, some)), some)
      if (dbeta !== 0) storeSome(dbeta + at, f32x4.add(given, loadSome(dbeta + at, some)), some)
      const scaled = gamma === 0 ? given : f32x4.mul(given, loadSome(gamma + at, some))
      sums = f32x4.add(sums, scaled)
      products = madd(scaled, hat, products)
    }
    if (dx === 0) continue
    const a = f32x4.splat(sumLanes(sums) / <f32>width)
    const b = f32x4.splat(sumLanes(products) / <f32>width)
    for (let c = 0; c < width; c += 4) {
      const at = (<usize>c) << 2
      const some = width - c
      const given = loadSome(dy + at, some)
      const scaled = gamma === 0 ? given : f32x4.mul(given, loadSome(gamma + at, some))
      const hat = f32x4.mul(f32x4.sub(loadSome(x + at, some), mean), inverse)
      storeSome(dx + at, f32x4.mul(inverse, f32x4.sub(f32x4.sub(scaled, a), f32x4.mul(hat, b))), some)
    }
    dx += stride
  }
}
