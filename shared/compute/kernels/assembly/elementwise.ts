import { loadSome, madd, storeSome } from './vector.ts'

// Over whole buffers of `count` floats, or over the pixels of strided ones. Strides are bytes.

export function copyPixels(
  from: usize,
  fromImage: usize,
  fromRow: usize,
  to: usize,
  toImage: usize,
  toRow: usize,
  images: i32,
  height: i32,
  rowBytes: usize,
): void {
  for (let i = 0; i < images; i++, from += fromImage, to += toImage)
    for (let y = 0; y < height; y++) memory.copy(to + <usize>y * toRow, from + <usize>y * fromRow, rowBytes)
}

export function fillPixels(to: usize, image: usize, row: usize, images: i32, height: i32, rowBytes: usize): void {
  for (let i = 0; i < images; i++, to += image) for (let y = 0; y < height; y++) memory.fill(to + <usize>y * row, 0, rowBytes)
}

/** to += from */
export function addTo(to: usize, from: usize, count: i32): void {
  let i = count
  for (; i >= 4; i -= 4, to += 16, from += 16) v128.store(to, f32x4.add(v128.load(to), v128.load(from)))
  if (i > 0) storeSome(to, f32x4.add(loadSome(to, i), loadSome(from, i)), i)
}

/** to += from * factor */
export function addScaled(to: usize, from: usize, count: i32, factor: f32): void {
  const f = f32x4.splat(factor)
  let i = count
  for (; i >= 4; i -= 4, to += 16, from += 16) v128.store(to, madd(v128.load(from), f, v128.load(to)))
  if (i > 0) storeSome(to, madd(loadSome(from, i), f, loadSome(to, i)), i)
}

/** y = max(x, 0); x and y may be the same. */
export function relu(x: usize, y: usize, count: i32): void {
  const zero = f32x4.splat(0)
  let i = count
  for (; i >= 4; i -= 4, x += 16, y += 16) v128.store(y, f32x4.pmax(v128.load(x), zero))
  if (i > 0) storeSome(y, f32x4.pmax(loadSome(x, i), zero), i)
}

/** dx = y > 0 ? dy : 0, over rows of `rowFloats` floats; dx and dy may be the same. */
export function reluGradient(
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
  rowFloats: i32,
): void {
  const zero = f32x4.splat(0)
  for (let image = 0; image < images; image++, y += yImage, dy += dyImage, dx += dxImage) {
    for (let line = 0; line < height; line++) {
      let a = y + <usize>line * yRow
      let b = dy + <usize>line * dyRow
      let c = dx + <usize>line * dxRow
      let i = rowFloats
      for (; i >= 4; i -= 4, a += 16, b += 16, c += 16) v128.store(c, v128.and(f32x4.gt(v128.load(a), zero), v128.load(b)))
      if (i > 0) storeSome(c, v128.and(f32x4.gt(loadSome(a, i), zero), loadSome(b, i)), i)
    }
  }
}

/** The gradient of a bias: sums over all pixels of each of `channels` channels. Mode and rate as in filterGradient. */
export function channelSums(
  from: usize,
  image: usize,
  row: usize,
  pixel: usize,
  images: i32,
  height: i32,
  width: i32,
  channels: i32,
  to: usize,
  mode: i32,
  rate: f32,
): void {
  for (let c = 0; c < channels; ) {
    const count = channels - c >= 16 ? 16 : min(4, channels - c)
    const zero = f32x4.splat(0)
    let t0 = zero
    let t1 = zero
    let t2 = zero
    let t3 = zero
    // a sum for each image, then the sum of those: rounding grows with the larger of both numbers, not with their product
    for (let i = 0; i < images; i++) {
      let s0 = zero
      let s1 = zero
      let s2 = zero
      let s3 = zero
      for (let y = 0; y < height; y++) {
        let p = from + <usize>i * image + <usize>y * row + ((<usize>c) << 2)
        if (count === 16)
          for (let x = 0; x < width; x++, p += pixel) {
            s0 = f32x4.add(s0, v128.load(p))
            s1 = f32x4.add(s1, v128.load(p, 16))
            s2 = f32x4.add(s2, v128.load(p, 32))
            s3 = f32x4.add(s3, v128.load(p, 48))
          }
        else for (let x = 0; x < width; x++, p += pixel) s0 = f32x4.add(s0, loadSome(p, count))
      }
      t0 = f32x4.add(t0, s0)
      t1 = f32x4.add(t1, s1)
      t2 = f32x4.add(t2, s2)
      t3 = f32x4.add(t3, s3)
    }
    const at = to + ((<usize>c) << 2)
    finishSums(at, t0, min(4, count), mode, rate)
    if (count === 16) {
      finishSums(at + 16, t1, 4, mode, rate)
      finishSums(at + 32, t2, 4, mode, rate)
      finishSums(at + 48, t3, 4, mode, rate)
    }
    c += count
  }
}

function finishSums(to: usize, sums: v128, count: i32, mode: i32, rate: f32): void {
  if (mode !== 0) sums = madd(sums, f32x4.splat(mode === 1 ? 1 : -rate), loadSome(to, count))
  storeSome(to, sums, count)
}

/**
 * Inverted dropout: y = x * scale where a hash of (key, place) is at least `threshold` (of 2^24), else 0. The same key gives the same mask, so the gradient
 * needs none stored. The hash is the finaliser of MurmurHash3 over a Weyl sequence.
 */
export function dropout(x: usize, y: usize, count: i32, key: i32, threshold: i32, scale: f32): void {
  const factor = f32x4.splat(scale)
  const least = i32x4.splat(threshold)
  let place = i32x4.add(i32x4.mul(i32x4(1, 2, 3, 4), i32x4.splat(0x9e3779b9)), i32x4.splat(key))
  const next = i32x4.splat(4 * 0x9e3779b9)
  for (let i = count; i > 0; i -= 4, x += 16, y += 16) {
    let h = v128.xor(place, i32x4.shr_u(place, 16))
    h = i32x4.mul(h, i32x4.splat(0x85ebca6b))
    h = v128.xor(h, i32x4.shr_u(h, 13))
    h = i32x4.mul(h, i32x4.splat(0xc2b2ae35))
    h = i32x4.shr_u(v128.xor(h, i32x4.shr_u(h, 16)), 8)
    const keep = i32x4.ge_s(h, least)
    if (i >= 4) v128.store(y, v128.and(keep, f32x4.mul(v128.load(x), factor)))
    else storeSome(y, v128.and(keep, f32x4.mul(loadSome(x, i), factor)), i)
    place = i32x4.add(place, next)
  }
}
