import { madd } from './vector.ts'

// Steps over flat weights. Counts are multiples of 4: every tensor begins at 16 bytes, with zeros between, which stay zeros.
// `scale` multiplies the gradient (clipping), `shrink` the weight (decoupled decay).

export function sgdStep(w: usize, g: usize, count: i32, rate: f32, scale: f32, shrink: f32): void {
  const factor = f32x4.splat(-rate * scale)
  const keep = f32x4.splat(shrink)
  for (const end = w + ((<usize>count) << 2); w < end; w += 16, g += 16)
    v128.store(w, madd(v128.load(g), factor, f32x4.mul(v128.load(w), keep)))
}

export function momentumStep(
  w: usize,
  g: usize,
  v: usize,
  count: i32,
  rate: f32,
  scale: f32,
  shrink: f32,
  momentum: f32,
  nesterov: i32,
): void {
  const factor = f32x4.splat(-rate)
  const clip = f32x4.splat(scale)
  const keep = f32x4.splat(shrink)
  const m = f32x4.splat(momentum)
  for (const end = w + ((<usize>count) << 2); w < end; w += 16, g += 16, v += 16) {
    const gradient = f32x4.mul(v128.load(g), clip)
    const velocity = madd(v128.load(v), m, gradient)
    v128.store(v, velocity)
    v128.store(w, madd(nesterov ? madd(velocity, m, gradient) : velocity, factor, f32x4.mul(v128.load(w), keep)))
  }
}

/** `rate` and `epsilon` carry the bias correction. */
export function adamStep(
  w: usize,
  g: usize,
  m: usize,
  v: usize,
  count: i32,
  rate: f32,
  scale: f32,
  shrink: f32,
  beta1: f32,
  beta2: f32,
  epsilon: f32,
): void {
  const factor = f32x4.splat(-rate)
  const clip = f32x4.splat(scale)
  const keep = f32x4.splat(shrink)
  const b1 = f32x4.splat(beta1)
  const b2 = f32x4.splat(beta2)
  const c1 = f32x4.splat(1 - beta1)
  const c2 = f32x4.splat(1 - beta2)
  const small = f32x4.splat(epsilon)
  for (const end = w + ((<usize>count) << 2); w < end; w += 16, g += 16, m += 16, v += 16) {
    const gradient = f32x4.mul(v128.load(g), clip)
    const first = madd(v128.load(m), b1, f32x4.mul(gradient, c1))
    const second = madd(v128.load(v), b2, f32x4.mul(f32x4.mul(gradient, gradient), c2))
    v128.store(m, first)
    v128.store(v, second)
    const step = f32x4.div(first, f32x4.add(f32x4.sqrt(second), small))
    v128.store(w, madd(step, factor, f32x4.mul(v128.load(w), keep)))
  }
}

/** g += mu * (w - anchor): the gradient of FedProx's term mu/2 |w - anchor|^2 (Li et al. 2020). */
export function addProximal(g: usize, w: usize, anchor: usize, count: i32, mu: f32): void {
  const factor = f32x4.splat(mu)
  for (const end = g + ((<usize>count) << 2); g < end; g += 16, w += 16, anchor += 16)
    v128.store(g, madd(f32x4.sub(v128.load(w), v128.load(anchor)), factor, v128.load(g)))
}

/** Sum of squares in double precision; the count is a multiple of 4. */
export function sumOfSquares(from: usize, count: i32): f64 {
  let low = f64x2.splat(0)
  let high = f64x2.splat(0)
  for (const end = from + ((<usize>count) << 2); from < end; from += 16) {
    const a = f64x2.promote_low_f32x4(v128.load(from))
    const b = f64x2.promote_low_f32x4(v128.load64_zero(from, 8))
    low = f64x2.add(low, f64x2.mul(a, a))
    high = f64x2.add(high, f64x2.mul(b, b))
  }
  const sum = f64x2.add(low, high)
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1)
}

/** The sum of squares, stored at `to` as a double. */
export function squaresTo(from: usize, count: i32, to: usize): void {
  f64.store(to, sumOfSquares(from, count))
}

export function sumDoubles(from: usize, count: i32): f64 {
  let sum: f64 = 0
  for (let i = 0; i < count; i++) sum += f64.load(from + ((<usize>i) << 3))
  return sum
}
