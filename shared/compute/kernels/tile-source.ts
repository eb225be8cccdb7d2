/**
 * Writes the AssemblyScript of the innermost loops: register tiles of `rows` rows by 8 columns (2 vectors), for every number of rows up to the
 * build's largest. A tile holds its sums in 2 * rows registers, 2 more for the columns and 1 for the row's value; engines leave 15 vector registers, which
 * 6 rows use up with a fused multiply-add. Without one the product takes a register of its own, so 5 rows are the most there.
 */
export type TileBuild = { readonly relaxed: boolean }

export const largestTile = ({ relaxed }: TileBuild): number => (relaxed ? 6 : 5)

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)
const lines = (count: number, line: (row: number) => string): string => upTo(count).map(line).join('\n')

function multiplyAdd({ relaxed }: TileBuild, row: number, column: number): string {
  const sum = `c${row}${column}`
  return relaxed ? `${sum} = f32x4.relaxed_madd(a, b${column}, ${sum})` : `${sum} = f32x4.add(f32x4.mul(a, b${column}), ${sum})`
}

/** One step of the reduction: 8 columns times a value of each row. Kept in this order by `asc -O2`; `-O3` reorders it and loses a fifth. */
const step = (build: TileBuild, rows: number, value: (row: number) => string, columns: number): string => `
      b0 = v128.load(panel, ${columns})
      b1 = v128.load(panel, ${columns + 16})
${lines(rows, (row) => `      a = v128.load32_splat(${value(row)})\n      ${multiplyAdd(build, row, 0)}\n      ${multiplyAdd(build, row, 1)}`)}`

/**
 * `tileN(rows, runs, runsEnd, run, panel, start, column, columns, flags)`: N rows of a product. `rows` is a table of N input and (from byte 24) N
 * output addresses. A row's values are `run` floats at each of the byte offsets between `runs` and `runsEnd`. Sums begin at the 8 floats at `start`, or
 * at what the output holds (flag 2), or at 0 (flag 4); flag 1 is ReLU, flag 8 keeps them at most 6 (ReLU6 is both). The output is written at its byte
 * `column`, `columns` floats wide.
 */
const productTile = (build: TileBuild, rows: number): string => `
export function tile${rows}(rows: usize, runs: usize, runsEnd: usize, run: i32, panel: usize, start: usize, column: usize, columns: i32, flags: i32): void {
  let a: v128, b0: v128, b1: v128
${lines(rows, (row) => `  let c${row}0 = f32x4.splat(0), c${row}1 = f32x4.splat(0)`)}
  if (flags & 2) {
${lines(rows, (row) => `    c${row}0 = v128.load(load<usize>(rows, ${24 + 4 * row}) + column)\n    c${row}1 = v128.load(load<usize>(rows, ${24 + 4 * row}) + column, 16)`)}
  } else if (!(flags & 4)) {
    c00 = v128.load(start)
    c01 = v128.load(start, 16)
${lines(rows - 1, (row) => `    c${row + 1}0 = c00\n    c${row + 1}1 = c01`)}
  }
  const fours = <usize>(run >> 2) << 4
  const rest = <usize>(run & 3) << 2
  for (; runs < runsEnd; runs += 4) {
    const offset = load<usize>(runs)
${lines(rows, (row) => `    let a${row} = load<usize>(rows, ${4 * row}) + offset`)}
    let end = a0 + fours
    for (; a0 < end; panel += 128) {${upTo(4)
      .map((k) => step(build, rows, (row) => `a${row}, ${4 * k}`, 32 * k))
      .join('')}
${lines(rows, (row) => `      a${row} += 16`)}
    }
    end = a0 + rest
    for (; a0 < end; panel += 32) {${step(build, rows, (row) => `a${row}`, 0)}
${lines(rows, (row) => `      a${row} += 4`)}
    }
  }
  if (flags & 1) {
    a = f32x4.splat(0)
${lines(rows, (row) => `    c${row}0 = f32x4.pmax(c${row}0, a)\n    c${row}1 = f32x4.pmax(c${row}1, a)`)}
  }
  if (flags & 8) {
    a = f32x4.splat(6)
${lines(rows, (row) => `    c${row}0 = f32x4.pmin(c${row}0, a)\n    c${row}1 = f32x4.pmin(c${row}1, a)`)}
  }
  if (columns === 8) {
${lines(rows, (row) => `    v128.store(load<usize>(rows, ${24 + 4 * row}) + column, c${row}0)\n    v128.store(load<usize>(rows, ${24 + 4 * row}) + column, c${row}1, 16)`)}
  } else {
${lines(rows, (row) => `    storeColumns(load<usize>(rows, ${24 + 4 * row}) + column, c${row}0, c${row}1, columns)`)}
  }
}`

const rowAt = (row: number): string => (row === 0 ? 'c' : `c + ${row} * stride`)
const finished = ({ relaxed }: TileBuild, sum: string, row: number, at: number): string =>
  relaxed
    ? `f32x4.relaxed_madd(${sum}, b0, v128.load(${rowAt(row)}, ${at}))`
    : `f32x4.add(f32x4.mul(${sum}, b0), v128.load(${rowAt(row)}, ${at}))`

/**
 * `gradientTileN(a, panel, images, image, height, row, width, pixel, c, stride, columns, mode, rate)`: N adjacent rows of a filter's gradient, summed over
 * all pixels. `a` is the first pixel's first value with byte strides `image`, `row` and `pixel`; `panel` has 8 floats a pixel. Mode 0 writes the
 * sums to `c`, 1 adds them, 2 takes them times `rate` from `c`, which is then the weight itself.
 */
const gradientTile = (build: TileBuild, rows: number): string => `
export function gradientTile${rows}(a0: usize, panel: usize, images: i32, image: usize, height: i32, row: usize, width: i32, pixel: usize, c: usize, stride: usize, columns: i32, mode: i32, rate: f32): void {
  let a: v128, b0: v128, b1: v128
${lines(rows, (r) => `  let c${r}0 = f32x4.splat(0), c${r}1 = f32x4.splat(0)`)}
  for (let i = 0; i < images; i++, a0 += image) {
    let line = a0
    for (let y = 0; y < height; y++, line += row) {
      let p = line
      let x = width
      for (; x > 1; x -= 2) {${step(build, rows, (r) => `p, ${4 * r}`, 0)}
      p += pixel
${step(build, rows, (r) => `p, ${4 * r}`, 32)}
        p += pixel
        panel += 64
      }
      if (x > 0) {${step(build, rows, (r) => `p, ${4 * r}`, 0)}
        panel += 32
      }
    }
  }
  if (columns < 8) {
${lines(rows, (r) => `    finishGradient(c${r === 0 ? '' : ` + ${r} * stride`}, c${r}0, c${r}1, columns, mode, rate)`)}
    return
  }
  if (mode === 2) {
    b0 = f32x4.splat(-rate)
${lines(rows, (r) => `    c${r}0 = ${finished(build, `c${r}0`, r, 0)}\n    c${r}1 = ${finished(build, `c${r}1`, r, 16)}`)}
  } else if (mode === 1) {
${lines(rows, (r) => `    c${r}0 = f32x4.add(v128.load(${rowAt(r)}), c${r}0)\n    c${r}1 = f32x4.add(v128.load(${rowAt(r)}, 16), c${r}1)`)}
  }
${lines(rows, (r) => `  v128.store(${rowAt(r)}, c${r}0)\n  v128.store(${rowAt(r)}, c${r}1, 16)`)}
}`

const choice = (name: string, most: number, parameters: string, call: string): string => `
export function ${name}(count: i32, ${parameters}): void {
  switch (count) {
${upTo(most)
  .map((i) => `    case ${i + 1}: ${name}${i + 1}(${call}); break`)
  .join('\n')}
  }
}`

/** The whole module, to be read as `tiles.ts` beside the hand-written sources. */
export function tileSource(build: TileBuild): string {
  const most = largestTile(build)
  return `import { finishGradient, storeColumns } from './columns.ts'
export const ROWS: i32 = ${most}
${upTo(most)
  .map((i) => productTile(build, i + 1) + gradientTile(build, i + 1))
  .join('\n')}
${choice(
  'tile',
  most,
  'rows: usize, runs: usize, runsEnd: usize, run: i32, panel: usize, start: usize, column: usize, columns: i32, flags: i32',
  'rows, runs, runsEnd, run, panel, start, column, columns, flags',
)}
${choice(
  'gradientTile',
  most,
  'a: usize, panel: usize, images: i32, image: usize, height: i32, row: usize, width: i32, pixel: usize, c: usize, stride: usize, columns: i32, mode: i32, rate: f32',
  'a, panel, images, image, height, row, width, pixel, c, stride, columns, mode, rate',
)}
`
}
