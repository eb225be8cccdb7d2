import { madd } from './vector.ts'

/** e^x for four values, relative error below 2e-7 (range reduction by ln 2 in two parts, then a polynomial of degree 6; coefficients from Cephes expf). NaN stays NaN. */
export function exp4(x: v128): v128 {
  x = f32x4.min(f32x4.max(x, f32x4.splat(-87.3)), f32x4.splat(88.3))
  const n = f32x4.nearest(f32x4.mul(x, f32x4.splat(1.44269504)))
  let r = f32x4.sub(x, f32x4.mul(n, f32x4.splat(0.693359375)))
  r = f32x4.sub(r, f32x4.mul(n, f32x4.splat(-2.1219444e-4)))
  let p = madd(f32x4.splat(1.98756915e-4), r, f32x4.splat(1.3981999507e-3))
  p = madd(p, r, f32x4.splat(8.3334519073e-3))
  p = madd(p, r, f32x4.splat(4.1665795894e-2))
  p = madd(p, r, f32x4.splat(1.6666665459e-1))
  p = madd(p, r, f32x4.splat(5.0000001201e-1))
  p = f32x4.add(madd(p, f32x4.mul(r, r), r), f32x4.splat(1))
  const power = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23)
  return f32x4.mul(p, power)
}

/** ln x for four positive normal values, relative error below 2e-7 (mantissa to [sqrt(1/2), sqrt(2)), then a polynomial; coefficients from Cephes logf). */
export function log4(x: v128): v128 {
  let e = f32x4.convert_i32x4_s(i32x4.sub(i32x4.shr_u(x, 23), i32x4.splat(126)))
  let m = v128.or(v128.and(x, i32x4.splat(0x007fffff)), i32x4.splat(0x3f000000))
  const low = f32x4.lt(m, f32x4.splat(0.707106781))
  e = f32x4.sub(e, v128.and(low, f32x4.splat(1)))
  m = f32x4.sub(f32x4.add(m, v128.and(low, m)), f32x4.splat(1))
  let p = madd(f32x4.splat(7.0376836292e-2), m, f32x4.splat(-1.151461031e-1))
  p = madd(p, m, f32x4.splat(1.167699874e-1))
  p = madd(p, m, f32x4.splat(-1.2420140846e-1))
  p = madd(p, m, f32x4.splat(1.4249322787e-1))
  p = madd(p, m, f32x4.splat(-1.6668057665e-1))
  p = madd(p, m, f32x4.splat(2.0000714765e-1))
  p = madd(p, m, f32x4.splat(-2.4999993993e-1))
  p = madd(p, m, f32x4.splat(3.3333331174e-1))
  const square = f32x4.mul(m, m)
  let y = f32x4.mul(f32x4.mul(p, m), square)
  y = madd(e, f32x4.splat(-2.1219444e-4), y)
  y = f32x4.sub(y, f32x4.mul(square, f32x4.splat(0.5)))
  return madd(e, f32x4.splat(0.693359375), f32x4.add(m, y))
}

/** @inline */
export function exp1(x: f32): f32 {
  return f32x4.extract_lane(exp4(f32x4.splat(x)), 0)
}

/** @inline */
export function log1(x: f32): f32 {
  return f32x4.extract_lane(log4(f32x4.splat(x)), 0)
}
