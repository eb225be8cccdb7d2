import { loadSome, madd, storeSome, sumLanes } from './vector.ts'

// Values that change place, and values merged with values.

/**
 * For each image, copies (or with `adding` adds) `count` runs of `run` floats: from the byte offsets of the table `fromOffsets` to those of `toOffsets`.
 * Everything that only moves values is this one: permuting, padding, cropping, repeating, joining; with the tables exchanged it is its gradient.
 */
export function moveRuns(
  from: usize,
  fromImage: usize,
  fromOffsets: usize,
  to: usize,
  toImage: usize,
  toOffsets: usize,
  count: i32,
  run: i32,
  images: i32,
  adding: i32,
): void {
  const bytes = (<usize>run) << 2
  for (let image = 0; image < images; image++, from += fromImage, to += toImage) {
    for (let k = 0; k < count; k++) {
      let a = from + load<usize>(fromOffsets + ((<usize>k) << 2))
      let b = to + load<usize>(toOffsets + ((<usize>k) << 2))
      if (!adding) {
        if (run === 1) f32.store(b, f32.load(a))
        else memory.copy(b, a, bytes)
        continue
      }
      for (let i = run; i > 0; i -= 4, a += 16, b += 16) storeSome(b, f32x4.add(loadSome(b, i), loadSome(a, i)), i)
    }
  }
}

/** y = a b; any of them may be the same. */
export function product(a: usize, b: usize, y: usize, count: i32): void {
  for (let i = count; i > 0; i -= 4, a += 16, b += 16, y += 16) storeSome(y, f32x4.mul(loadSome(a, i), loadSome(b, i)), i)
}

/** y = factor x + offset */
export function scale(x: usize, y: usize, count: i32, factor: f32, offset: f32): void {
  for (let i = count; i > 0; i -= 4, x += 16, y += 16) storeSome(y, madd(loadSome(x, i), f32x4.splat(factor), f32x4.splat(offset)), i)
}

/** The larger (`least` 0) or smaller of two values. */
export function extreme(a: usize, b: usize, y: usize, count: i32, least: i32): void {
  for (let i = count; i > 0; i -= 4, a += 16, b += 16, y += 16) {
    const left = loadSome(a, i)
    const right = loadSome(b, i)
    storeSome(y, least ? f32x4.min(left, right) : f32x4.max(left, right), i)
  }
}

/** The gradient goes to the value that was taken: of equal ones to a (`second` 0), as tfjs has it. */
export function extremeGradient(a: usize, b: usize, dy: usize, to: usize, count: i32, least: i32, second: i32): void {
  for (let i = count; i > 0; i -= 4, a += 16, b += 16, dy += 16, to += 16) {
    const left = loadSome(a, i)
    const right = loadSome(b, i)
    const first = least ? f32x4.le(left, right) : f32x4.ge(left, right)
    const given = loadSome(dy, i)
    storeSome(to, second ? v128.andnot(given, first) : v128.and(given, first), i)
  }
}

/** y = the scalar product of each row of a with that of b. */
export function rowProducts(a: usize, b: usize, y: usize, rows: i32, width: i32): void {
  const stride = (<usize>width) << 2
  for (let row = 0; row < rows; row++, a += stride, b += stride, y += 4) {
    let sums = f32x4.splat(0)
    for (let c = 0; c < width; c += 4)
      sums = madd(loadSome(a + ((<usize>c) << 2), width - c), loadSome(b + ((<usize>c) << 2), width - c), sums)
    f32.store(y, sumLanes(sums))
  }
}

/** y = each row of x times the row's own factor. */
export function scaleRows(x: usize, factors: usize, y: usize, rows: i32, width: i32): void {
  const stride = (<usize>width) << 2
  for (let row = 0; row < rows; row++, x += stride, y += stride, factors += 4) {
    const factor = v128.load32_splat(factors)
    for (let c = 0; c < width; c += 4)
      storeSome(y + ((<usize>c) << 2), f32x4.mul(loadSome(x + ((<usize>c) << 2), width - c), factor), width - c)
  }
}

/** Rows of a table by number (floats); a number that names none gives NaN, so that the loss shows it. */
export function embed(ids: usize, table: usize, y: usize, count: i32, rows: i32, width: i32): void {
  const stride = (<usize>width) << 2
  for (let i = 0; i < count; i++, ids += 4, y += stride) {
    const id = f32.load(ids)
    if (id >= 0 && id < <f32>rows) memory.copy(y, table + <usize>id * stride, stride)
    else for (let c = 0; c < width; c++) f32.store(y + ((<usize>c) << 2), NaN)
  }
}

/** Adds `factor` times each row of dy to the table's row of that number. */
export function embedGradient(ids: usize, dy: usize, table: usize, count: i32, rows: i32, width: i32, factor: f32): void {
  const stride = (<usize>width) << 2
  for (let i = 0; i < count; i++, ids += 4, dy += stride) {
    const id = f32.load(ids)
    if (!(id >= 0 && id < <f32>rows)) continue
    const to = table + <usize>id * stride
    for (let c = 0; c < width; c += 4) {
      const at = (<usize>c) << 2
      storeSome(to + at, madd(loadSome(dy + at, width - c), f32x4.splat(factor), loadSome(to + at, width - c)), width - c)
    }
  }
}
