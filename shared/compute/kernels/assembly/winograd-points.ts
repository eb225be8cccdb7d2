import { madd } from './vector.ts'

// The steps of Winograd's algorithm along one axis, for which see winograd.ts: each takes vectors `step` bytes apart to vectors `toStep` bytes apart. With the points p, A' is p^j, G is
// p^k / N(p), B' the coefficients of N, the product of (x - q) over the other points q. `axisPoints`: how many points.

/** @inline */
function valueAt(from: usize, step: usize, i: usize): v128 {
  return v128.load(from + i * step)
}

/** The sum and the difference of what a pair of opposite points has in even and in odd powers. */
/** @inline */
function putPair(to: usize, step: usize, i: usize, even: v128, odd: v128): void {
  v128.store(to + i * step, f32x4.add(even, odd))
  v128.store(to + (i + 1) * step, f32x4.sub(even, odd))
}

/** B': values of the input become its values at the points. */
export function interpolate(axisPoints: i32, from: usize, step: usize, to: usize, toStep: usize): void {
  const d0 = valueAt(from, step, 0)
  const d1 = valueAt(from, step, 1)
  const d2 = valueAt(from, step, 2)
  const d3 = valueAt(from, step, 3)
  const d4 = valueAt(from, step, 4)
  const d5 = valueAt(from, step, 5)
  if (axisPoints === 6) {
    const four = f32x4.splat(4)
    v128.store(to, madd(f32x4.splat(-5), d2, madd(four, d0, d4)))
    putPair(to, toStep, 1, f32x4.sub(d4, f32x4.mul(four, d2)), f32x4.sub(d3, f32x4.mul(four, d1)))
    putPair(to, toStep, 3, f32x4.sub(d4, d2), f32x4.mul(f32x4.splat(2), f32x4.sub(d3, d1)))
    v128.store(to + 5 * toStep, madd(f32x4.splat(-5), d3, madd(four, d1, d5)))
    return
  }
  const d6 = valueAt(from, step, 6)
  const d7 = valueAt(from, step, 7)
  const most = f32x4.splat(5.25)
  v128.store(to, madd(most, f32x4.sub(d4, d2), f32x4.sub(d0, d6)))
  const middle = f32x4.splat(-4.25)
  putPair(to, toStep, 1, madd(middle, d4, f32x4.add(d2, d6)), madd(middle, d3, f32x4.add(d1, d5)))
  const half = f32x4.splat(0.5)
  const two = f32x4.splat(2)
  const odd = f32x4.splat(-2.5)
  putPair(to, toStep, 3, madd(f32x4.splat(-1.25), d4, madd(f32x4.splat(0.25), d2, d6)), madd(two, d5, madd(odd, d3, f32x4.mul(half, d1))))
  putPair(to, toStep, 5, madd(f32x4.splat(-5), d4, madd(f32x4.splat(4), d2, d6)), madd(half, d5, madd(odd, d3, f32x4.mul(two, d1))))
  v128.store(to + 7 * toStep, madd(most, f32x4.sub(d3, d5), f32x4.sub(d7, d1)))
}

/** B: gradients at the points become those of the values that a tile reads, added to what is there. */
export function spread(axisPoints: i32, from: usize, step: usize, to: usize, toStep: usize): void {
  const m0 = valueAt(from, step, 0)
  const m1 = valueAt(from, step, 1)
  const m2 = valueAt(from, step, 2)
  const m3 = valueAt(from, step, 3)
  const m4 = valueAt(from, step, 4)
  const m5 = valueAt(from, step, 5)
  const near = f32x4.add(m1, m2)
  const nearOdd = f32x4.sub(m1, m2)
  const far = f32x4.add(m3, m4)
  const farOdd = f32x4.sub(m3, m4)
  if (axisPoints === 6) {
    const four = f32x4.splat(4)
    const less = f32x4.splat(-5)
    const twice = f32x4.add(farOdd, farOdd)
    add(to, f32x4.mul(four, m0))
    add(to + toStep, f32x4.sub(f32x4.mul(four, f32x4.sub(m5, nearOdd)), twice))
    add(to + 2 * toStep, f32x4.sub(f32x4.sub(f32x4.mul(less, m0), far), f32x4.mul(four, near)))
    add(to + 3 * toStep, madd(less, m5, f32x4.add(nearOdd, twice)))
    add(to + 4 * toStep, f32x4.add(m0, f32x4.add(near, far)))
    add(to + 5 * toStep, m5)
    return
  }
  const m6 = valueAt(from, step, 6)
  const m7 = valueAt(from, step, 7)
  const small = f32x4.add(m5, m6)
  const smallOdd = f32x4.sub(m5, m6)
  const most = f32x4.splat(5.25)
  const half = f32x4.splat(0.5)
  const two = f32x4.splat(2)
  add(to, m0)
  add(to + toStep, f32x4.add(f32x4.sub(nearOdd, m7), madd(half, farOdd, f32x4.mul(two, smallOdd))))
  add(to + 2 * toStep, madd(f32x4.splat(0.25), far, madd(f32x4.splat(4), small, f32x4.sub(near, f32x4.mul(most, m0)))))
  add(to + 3 * toStep, madd(f32x4.splat(-2.5), f32x4.add(farOdd, smallOdd), madd(f32x4.splat(-4.25), nearOdd, f32x4.mul(most, m7))))
  add(to + 4 * toStep, madd(f32x4.splat(-1.25), far, madd(f32x4.splat(-5), small, madd(f32x4.splat(-4.25), near, f32x4.mul(most, m0)))))
  add(to + 5 * toStep, f32x4.add(nearOdd, madd(two, farOdd, f32x4.sub(f32x4.mul(half, smallOdd), f32x4.mul(most, m7)))))
  add(to + 6 * toStep, f32x4.sub(f32x4.add(near, f32x4.add(far, small)), m0))
  add(to + 7 * toStep, m7)
}

/** @inline */
function add(to: usize, value: v128): void {
  v128.store(to, f32x4.add(v128.load(to), value))
}

/** A': products at the points become 4 pixels. */
export function gather(axisPoints: i32, from: usize, step: usize, to: usize, toStep: usize): void {
  const m1 = valueAt(from, step, 1)
  const m2 = valueAt(from, step, 2)
  const m3 = valueAt(from, step, 3)
  const m4 = valueAt(from, step, 4)
  const near = f32x4.add(m1, m2)
  const far = f32x4.add(m3, m4)
  const nearOdd = f32x4.sub(m1, m2)
  const farOdd = f32x4.sub(m3, m4)
  let last = valueAt(from, step, 5)
  let first = f32x4.add(valueAt(from, step, 0), f32x4.add(near, far))
  let second = madd(f32x4.splat(2), farOdd, nearOdd)
  let third = madd(f32x4.splat(4), far, near)
  let fourth = madd(f32x4.splat(8), farOdd, nearOdd)
  if (axisPoints === 8) {
    const m6 = valueAt(from, step, 6)
    const small = f32x4.add(last, m6)
    const smallOdd = f32x4.sub(last, m6)
    last = valueAt(from, step, 7)
    first = f32x4.add(first, small)
    second = madd(f32x4.splat(0.5), smallOdd, second)
    third = madd(f32x4.splat(0.25), small, third)
    fourth = madd(f32x4.splat(0.125), smallOdd, fourth)
  }
  v128.store(to, first)
  v128.store(to + toStep, second)
  v128.store(to + 2 * toStep, third)
  v128.store(to + 3 * toStep, f32x4.add(fourth, last))
}

/** A: gradients of 4 pixels become those at the points. */
export function expand(axisPoints: i32, from: usize, step: usize, to: usize, toStep: usize): void {
  const y0 = valueAt(from, step, 0)
  const y1 = valueAt(from, step, 1)
  const y2 = valueAt(from, step, 2)
  const y3 = valueAt(from, step, 3)
  v128.store(to, y0)
  putPair(to, toStep, 1, f32x4.add(y0, y2), f32x4.add(y1, y3))
  putPair(to, toStep, 3, madd(f32x4.splat(4), y2, y0), madd(f32x4.splat(8), y3, f32x4.add(y1, y1)))
  if (axisPoints === 6) {
    v128.store(to + 5 * toStep, y3)
    return
  }
  putPair(to, toStep, 5, madd(f32x4.splat(0.25), y2, y0), madd(f32x4.splat(0.125), y3, f32x4.mul(f32x4.splat(0.5), y1)))
  v128.store(to + 7 * toStep, y3)
}

/** G: weights of a filter become its values at the points. */
export function filterPoints(axisPoints: i32, from: usize, step: usize, to: usize, toStep: usize): void {
  const g0 = valueAt(from, step, 0)
  const g1 = valueAt(from, step, 1)
  const g2 = valueAt(from, step, 2)
  if (axisPoints === 6) {
    const near = f32x4.splat(-1.0 / 6)
    const far = f32x4.splat(1.0 / 24)
    v128.store(to, f32x4.mul(f32x4.splat(0.25), g0))
    putPair(to, toStep, 1, f32x4.mul(near, f32x4.add(g0, g2)), f32x4.mul(near, g1))
    putPair(to, toStep, 3, f32x4.mul(far, madd(f32x4.splat(4), g2, g0)), f32x4.mul(far, f32x4.add(g1, g1)))
    v128.store(to + 5 * toStep, g2)
    return
  }
  const g3 = valueAt(from, step, 3)
  const g4 = valueAt(from, step, 4)
  const near = f32x4.splat(-2.0 / 9)
  const far = f32x4.splat(1.0 / 90)
  const small = f32x4.splat(32.0 / 45)
  v128.store(to, g0)
  putPair(to, toStep, 1, f32x4.mul(near, f32x4.add(g0, f32x4.add(g2, g4))), f32x4.mul(near, f32x4.add(g1, g3)))
  putPair(
    to,
    toStep,
    3,
    f32x4.mul(far, madd(f32x4.splat(16), g4, madd(f32x4.splat(4), g2, g0))),
    f32x4.mul(far, madd(f32x4.splat(8), g3, f32x4.add(g1, g1))),
  )
  putPair(
    to,
    toStep,
    5,
    f32x4.mul(small, madd(f32x4.splat(0.0625), g4, madd(f32x4.splat(0.25), g2, g0))),
    f32x4.mul(small, madd(f32x4.splat(0.125), g3, f32x4.mul(f32x4.splat(0.5), g1))),
  )
  v128.store(to + 7 * toStep, g4)
}

/** G': gradients of a filter's values at the points become those of its weights. */
export function filterTaps(axisPoints: i32, from: usize, step: usize, to: usize, toStep: usize): void {
  const u0 = valueAt(from, step, 0)
  const u1 = valueAt(from, step, 1)
  const u2 = valueAt(from, step, 2)
  const u3 = valueAt(from, step, 3)
  const u4 = valueAt(from, step, 4)
  const u5 = valueAt(from, step, 5)
  const nearFactor = f32x4.splat(axisPoints === 6 ? -1.0 / 6 : -2.0 / 9)
  const farFactor = f32x4.splat(axisPoints === 6 ? 1.0 / 24 : 1.0 / 90)
  const near = f32x4.mul(nearFactor, f32x4.add(u1, u2))
  const nearOdd = f32x4.mul(nearFactor, f32x4.sub(u1, u2))
  const far = f32x4.mul(farFactor, f32x4.add(u3, u4))
  const farOdd = f32x4.mul(farFactor, f32x4.sub(u3, u4))
  const both = f32x4.add(near, far)
  const second = madd(f32x4.splat(2), farOdd, nearOdd)
  const third = madd(f32x4.splat(4), far, near)
  if (axisPoints === 6) {
    v128.store(to, madd(f32x4.splat(0.25), u0, both))
    v128.store(to + toStep, second)
    v128.store(to + 2 * toStep, f32x4.add(third, u5))
    return
  }
  const u6 = valueAt(from, step, 6)
  const u7 = valueAt(from, step, 7)
  const smallFactor = f32x4.splat(32.0 / 45)
  const small = f32x4.mul(smallFactor, f32x4.add(u5, u6))
  const smallOdd = f32x4.mul(smallFactor, f32x4.sub(u5, u6))
  v128.store(to, f32x4.add(u0, f32x4.add(both, small)))
  v128.store(to + toStep, madd(f32x4.splat(0.5), smallOdd, second))
  v128.store(to + 2 * toStep, madd(f32x4.splat(0.25), small, third))
  v128.store(to + 3 * toStep, madd(f32x4.splat(0.125), smallOdd, madd(f32x4.splat(8), farOdd, nearOdd)))
  v128.store(to + 4 * toStep, f32x4.add(u7, madd(f32x4.splat(0.0625), small, madd(f32x4.splat(16), far, near))))
}
