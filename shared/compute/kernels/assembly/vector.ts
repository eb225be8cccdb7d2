// Vector steps that every kernel may take into its loops.

/** a * b + c: one rounding where the build has a fused multiply-add, else two. */
/** @inline */
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c)
  return f32x4.add(f32x4.mul(a, b), c)
}

/** @inline */
export function sumLanes(a: v128): f32 {
  return f32x4.extract_lane(a, 0) + f32x4.extract_lane(a, 1) + (f32x4.extract_lane(a, 2) + f32x4.extract_lane(a, 3))
}

/** The first `count` (1 to 4) floats of a vector. */
export function storeSome(to: usize, a: v128, count: i32): void {
  if (count >= 4) {
    v128.store(to, a)
    return
  }
  f32.store(to, f32x4.extract_lane(a, 0))
  if (count > 1) f32.store(to, f32x4.extract_lane(a, 1), 4)
  if (count > 2) f32.store(to, f32x4.extract_lane(a, 2), 8)
}

/** `count` (1 to 4) floats, zeros behind them. */
export function loadSome(from: usize, count: i32): v128 {
  if (count >= 4) return v128.load(from)
  let a = f32x4.replace_lane(f32x4.splat(0), 0, f32.load(from))
  if (count > 1) a = f32x4.replace_lane(a, 1, f32.load(from, 4))
  if (count > 2) a = f32x4.replace_lane(a, 2, f32.load(from, 8))
  return a
}
