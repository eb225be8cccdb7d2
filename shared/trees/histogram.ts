import type { BinnedRows } from './binned-rows.ts'
import type { Pace } from './pace.ts'

/** Sums of gradients and of second derivatives by code, one pair after another, columns one after another. */
export type Histogram = Float64Array<ArrayBuffer>

/** The rows of a node: `rows[from]` to `rows[to - 1]`. */
export type RowRange = { readonly from: number; readonly to: number }

export type Derivatives = { readonly gradient: Float32Array; readonly hessian: Float32Array }

/** Where each column's sums begin, and the length of all. */
export function histogramLayout({ columns }: BinnedRows): { readonly offsets: readonly number[]; readonly length: number } {
  let length = 0
  const offsets = columns.map(({ size }) => {
    const at = length
    length += 2 * size
    return at
  })
  return { offsets, length }
}

/** What `fillHistogram` needs at hand, made once: the derivatives of a node's rows, in their order. */
export const gatherRoom = (count: number) => ({ gradient: new Float32Array(count), hessian: new Float32Array(count) })

type Filling = {
  readonly binned: BinnedRows
  readonly offsets: readonly number[]
  /** Columns that may be asked about. */
  readonly used: readonly number[]
  readonly rows: Int32Array
  /** Whether `rows` are all rows in their order. */
  readonly all: boolean
  readonly derivatives: Derivatives
  readonly room: Derivatives
}

/** Adds up the derivatives of a node's rows by code, in the order of the rows. */
export async function fillHistogram(out: Histogram, { from, to }: RowRange, filling: Filling, pace: Pace): Promise<void> {
  const { binned, offsets, used, rows, all, derivatives, room } = filling
  out.fill(0)
  const whole = all && to - from === binned.count
  const { gradient, hessian } = whole ? derivatives : room
  const own = rows.subarray(from, to)
  if (!whole) gather(derivatives, own, room)
  for (const column of used) {
    const wait = pace()
    if (wait !== undefined) await wait
    const { codes, size } = binned.columns[column] as BinnedRows['columns'][number]
    const offset = offsets[column] as number
    const sums = out.subarray(offset, offset + 2 * size)
    if (whole) sumAll(sums, codes, gradient, hessian)
    else sumOf(sums, codes, own, gradient, hessian)
  }
}

/** The derivatives of these rows one after another, for all columns. */
function gather(from: Derivatives, rows: Int32Array, to: Derivatives): void {
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] as number
    to.gradient[i] = from.gradient[row] as number
    to.hessian[i] = from.hessian[row] as number
  }
}

function sumAll(sums: Float64Array, codes: Uint8Array, gradient: Float32Array, hessian: Float32Array): void {
  for (let i = 0; i < codes.length; i++) {
    const at = 2 * (codes[i] as number)
    sums[at] = (sums[at] as number) + (gradient[i] as number)
    sums[at + 1] = (sums[at + 1] as number) + (hessian[i] as number)
  }
}

function sumOf(sums: Float64Array, codes: Uint8Array, rows: Int32Array, gradient: Float32Array, hessian: Float32Array): void {
  for (let i = 0; i < rows.length; i++) {
    const at = 2 * (codes[rows[i] as number] as number)
    sums[at] = (sums[at] as number) + (gradient[i] as number)
    sums[at + 1] = (sums[at + 1] as number) + (hessian[i] as number)
  }
}

/** The histogram of a node's other child, in place of its own (Ke et al. 2017, section 2.1): what is counted for the smaller child need not be for the larger. */
export function subtract(from: Histogram, part: Histogram): Histogram {
  for (let i = 0; i < from.length; i++) from[i] = (from[i] as number) - (part[i] as number)
  return from
}
