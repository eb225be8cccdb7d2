import { exp4, log4 } from './exponential.ts'
import { loadSome, madd, storeSome, sumLanes } from './vector.ts'

// Activations and their slopes, four values at a time. Kinds are those of plan/lowerings/activation-kinds.ts.

/** @inline */
function splat(x: f32): v128 {
  return f32x4.splat(x)
}

export function sigmoid4(x: v128): v128 {
  return f32x4.div(splat(1), f32x4.add(splat(1), exp4(f32x4.neg(x))))
}

/** Below 0.625 a polynomial (coefficients from Cephes tanhf), as the quotient of exponentials loses digits there. */
export function tanh4(x: v128): v128 {
  const size = f32x4.abs(x)
  const e = exp4(f32x4.mul(size, splat(-2)))
  const far = f32x4.div(f32x4.sub(splat(1), e), f32x4.add(splat(1), e))
  const square = f32x4.mul(x, x)
  let p = madd(splat(-5.70498872745e-3), square, splat(2.06390887954e-2))
  p = madd(p, square, splat(-5.37397155531e-2))
  p = madd(p, square, splat(1.33314422036e-1))
  p = madd(p, square, splat(-3.33332819422e-1))
  const near = madd(f32x4.mul(p, square), x, x)
  const sign = v128.and(x, i32x4.splat(0x80000000))
  return v128.bitselect(near, v128.or(far, sign), f32x4.lt(size, splat(0.625)))
}

/** Abramowitz and Stegun 7.1.26, absolute error below 1.5e-7: the formula of tfjs. */
function erf4(x: v128): v128 {
  const size = f32x4.abs(x)
  const t = f32x4.div(splat(1), madd(splat(0.3275911), size, splat(1)))
  let p = madd(splat(1.061405429), t, splat(-1.453152027))
  p = madd(p, t, splat(1.421413741))
  p = madd(p, t, splat(-0.284496736))
  p = madd(p, t, splat(0.254829592))
  const far = f32x4.sub(splat(1), f32x4.mul(f32x4.mul(p, t), exp4(f32x4.neg(f32x4.mul(x, x)))))
  return v128.or(far, v128.and(x, i32x4.splat(0x80000000)))
}

function softplus4(x: v128): v128 {
  const e = exp4(f32x4.neg(f32x4.abs(x)))
  return f32x4.add(f32x4.max(x, splat(0)), log4(f32x4.add(splat(1), e)))
}

/** @inline */
function where(condition: v128, yes: v128, no: v128): v128 {
  return v128.bitselect(yes, no, condition)
}

function value4(kind: i32, x: v128, alpha: f32): v128 {
  const zero = splat(0)
  switch (kind) {
    case 0:
      return sigmoid4(x)
    case 1:
      return tanh4(x)
    // elu and, scaled, selu
    case 2:
      return where(f32x4.gt(x, zero), x, f32x4.sub(exp4(x), splat(1)))
    case 3:
      return f32x4.mul(
        splat(1.0507009873554805),
        where(f32x4.gt(x, zero), x, f32x4.mul(splat(1.6732632423543772), f32x4.sub(exp4(x), splat(1)))),
      )
    case 4:
      return softplus4(x)
    case 5:
      return f32x4.div(x, f32x4.add(f32x4.abs(x), splat(1)))
    case 6:
      return f32x4.mul(x, sigmoid4(x))
    case 7:
      return f32x4.min(f32x4.max(madd(x, splat(0.2), splat(0.5)), zero), splat(1))
    case 8:
      return f32x4.min(f32x4.max(x, zero), splat(alpha))
    case 9:
      return where(f32x4.gt(x, zero), x, f32x4.mul(x, splat(alpha)))
    case 10:
      return v128.and(x, f32x4.gt(x, splat(alpha)))
    case 11:
      return f32x4.mul(f32x4.mul(x, splat(0.5)), f32x4.add(splat(1), erf4(f32x4.mul(x, splat(0.70710678)))))
    case 12:
      return f32x4.mul(f32x4.mul(x, splat(0.5)), f32x4.add(splat(1), tanh4(geluInner(x))))
    case 13:
      return f32x4.mul(x, tanh4(softplus4(x)))
  }
  return x
}

/** sqrt(2/pi) (x + 0.044715 x^3) */
function geluInner(x: v128): v128 {
  return f32x4.mul(splat(0.79788456), madd(f32x4.mul(f32x4.mul(x, x), splat(0.044715)), x, x))
}

function slope4(kind: i32, x: v128, y: v128, alpha: f32): v128 {
  const zero = splat(0)
  const one = splat(1)
  switch (kind) {
    case 0:
      return f32x4.mul(y, f32x4.sub(one, y))
    case 1:
      return f32x4.sub(one, f32x4.mul(y, y))
    case 2:
      return where(f32x4.gt(x, zero), one, f32x4.add(y, one))
    case 3:
      return where(f32x4.gt(x, zero), splat(1.0507009873554805), f32x4.add(y, splat(1.7580993408473766)))
    case 4:
      return sigmoid4(x)
    case 5: {
      const d = f32x4.add(f32x4.abs(x), one)
      return f32x4.div(one, f32x4.mul(d, d))
    }
    case 6: {
      const s = sigmoid4(x)
      return f32x4.add(s, f32x4.mul(y, f32x4.sub(one, s)))
    }
    case 7:
      return v128.and(splat(0.2), v128.and(f32x4.gt(y, zero), f32x4.lt(y, one)))
    case 8:
      return v128.and(one, v128.and(f32x4.gt(x, zero), f32x4.le(x, splat(alpha))))
    case 9:
      return where(f32x4.gt(x, zero), one, splat(alpha))
    case 10:
      return v128.and(one, f32x4.gt(x, splat(alpha)))
    case 11: {
      const density = f32x4.mul(splat(0.39894228), exp4(f32x4.mul(f32x4.mul(x, x), splat(-0.5))))
      return madd(x, density, f32x4.mul(splat(0.5), f32x4.add(one, erf4(f32x4.mul(x, splat(0.70710678))))))
    }
    case 12: {
      const t = tanh4(geluInner(x))
      const inner = f32x4.mul(splat(0.79788456), madd(f32x4.mul(x, x), splat(0.134145), one))
      const half = f32x4.mul(splat(0.5), x)
      return madd(f32x4.mul(half, f32x4.sub(one, f32x4.mul(t, t))), inner, f32x4.mul(splat(0.5), f32x4.add(one, t)))
    }
    case 13: {
      const t = tanh4(softplus4(x))
      return madd(f32x4.mul(x, f32x4.sub(one, f32x4.mul(t, t))), sigmoid4(x), t)
    }
  }
  return one
}

/** y = f(x); x and y may be the same where the slope needs no x. */
export function activate(kind: i32, x: usize, y: usize, count: i32, alpha: f32): void {
  for (let i = count; i > 0; i -= 4, x += 16, y += 16) storeSome(y, value4(kind, loadSome(x, i), alpha), i)
}

/** dx = dy f'(x), where y = f(x); dx and dy may be the same. */
export function activationGradient(kind: i32, x: usize, y: usize, dy: usize, dx: usize, count: i32, alpha: f32): void {
  for (let i = count; i > 0; i -= 4, x += 16, y += 16, dy += 16, dx += 16)
    storeSome(dx, f32x4.mul(loadSome(dy, i), slope4(kind, loadSome(x, i), loadSome(y, i), alpha)), i)
}

/** dx = y (dy - sum of dy y) for each row of a softmax's answers y. */
export function softmaxGradient(y: usize, dy: usize, dx: usize, rows: i32, width: i32): void {
  const stride = (<usize>width) << 2
  for (let row = 0; row < rows; row++, y += stride, dy += stride, dx += stride) {
    let sums = splat(0)
    for (let c = 0; c < width; c += 4) {
      const at = (<usize>c) << 2
      sums = madd(loadSome(y + at, width - c), loadSome(dy + at, width - c), sums)
    }
    const sum = splat(sumLanes(sums))
    for (let c = 0; c < width; c += 4) {
      const at = (<usize>c) << 2
      const some = width - c
      storeSome(dx + at, f32x4.mul(loadSome(y + at, some), f32x4.sub(loadSome(dy + at, some), sum)), some)
    }
  }
}

/** y = alpha x below 0, with an alpha for each of the `width` values of a row. */
export function prelu(x: usize, alpha: usize, y: usize, rows: i32, width: i32): void {
  for (let row = 0; row < rows; row++) {
    for (let c = 0; c < width; c += 4, x += 16, y += 16) {
      const value = loadSome(x, width - c)
      storeSome(y, where(f32x4.gt(value, splat(0)), value, f32x4.mul(value, loadSome(alpha + ((<usize>c) << 2), width - c))), width - c)
    }
    x -= (<usize>(((width + 3) & ~3) - width)) << 2
    y -= (<usize>(((width + 3) & ~3) - width)) << 2
  }
}

/** Gradients of prelu; `dalpha` is written, `dx` may be 0 for none. */
export function preluGradient(x: usize, alpha: usize, dy: usize, dx: usize, dalpha: usize, rows: i32, width: i32): void {
  memory.fill(dalpha, 0, (<usize>width) << 2)
  const back = (<usize>(((width + 3) & ~3) - width)) << 2
  for (let row = 0; row < rows; row++, x -= back, dy -= back) {
    for (let c = 0; c < width; c += 4, x += 16, dy += 16) {
      const some = width - c
      const at = (<usize>c) << 2
      const value = loadSome(x, some)
      const given = loadSome(dy, some)
      const positive = f32x4.gt(value, splat(0))
      storeSome(dalpha + at, f32x4.add(loadSome(dalpha + at, some), v128.andnot(f32x4.mul(value, given), positive)), some)
      if (dx !== 0) {
        storeSome(dx, where(positive, given, f32x4.mul(given, loadSome(alpha + at, some))), some)
        dx += 16
      }
    }
    if (dx !== 0) dx -= back
  }
}
