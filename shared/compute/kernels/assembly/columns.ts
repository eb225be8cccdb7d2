import { loadSome, madd, storeSome } from './vector.ts'

// How a tile's 8 columns leave it, where fewer than 8 belong to the output.

export function storeColumns(to: usize, left: v128, right: v128, columns: i32): void {
  storeSome(to, left, columns)
  if (columns > 4) storeSome(to + 16, right, columns - 4)
}

/** A row of gradient sums: written (mode 0), added (1), or taken times `rate` from the weight (2). */
export function finishGradient(c: usize, left: v128, right: v128, columns: i32, mode: i32, rate: f32): void {
  if (columns === 8) {
    if (mode === 1) {
      left = f32x4.add(v128.load(c), left)
      right = f32x4.add(v128.load(c, 16), right)
    } else if (mode === 2) {
      const factor = f32x4.splat(-rate)
      left = madd(left, factor, v128.load(c))
      right = madd(right, factor, v128.load(c, 16))
    }
    v128.store(c, left)
    v128.store(c, right, 16)
    return
  }
  if (mode !== 0) {
    const factor = f32x4.splat(mode === 1 ? 1 : -rate)
    left = madd(left, factor, loadSome(c, columns))
    if (columns > 4) right = madd(right, factor, loadSome(c + 16, columns - 4))
  }
  storeColumns(c, left, right, columns)
}
