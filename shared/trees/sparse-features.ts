import type { Pace } from './pace.ts'

/** A feature by the rows in which it is not zero. */
export type SparseFeature = { readonly feature: number; readonly rows: Int32Array; readonly values: Float32Array }

/** Values that lists of one look at the rows hold: 64 MiB with their rows. */
const LISTED = 8 * 1024 * 1024
/** Values between two looks at the event loop. */
const STRIDE = 1 << 20

type Stretch = { readonly rows: Float32Array; readonly features: number; readonly from: number; readonly to: number }
type Lists = { readonly isSparse: Uint8Array; readonly next: Int32Array; readonly places: Int32Array; readonly values: Float32Array }

// functions of their own: loops within what can wait are compiled badly
function countNonzero({ rows, features, from, to }: Stretch, first: number, last: number, found: Int32Array): void {
  for (let row = first; row < last; row++) {
    const start = row * features
    for (let i = from; i < to; i++) if (rows[start + i] !== 0) found[i] = (found[i] as number) + 1
  }
}

function listNonzero({ rows, features, from, to }: Stretch, first: number, last: number, { isSparse, next, places, values }: Lists): void {
  for (let row = first; row < last; row++) {
    const start = row * features
    for (let i = from; i < to; i++) {
      const value = rows[start + i] as number
      if (value === 0 || isSparse[i] === 0) continue
      const at = next[i] as number
      places[at] = row
      values[at] = value
      next[i] = at + 1
    }
  }
}

/** Features that are zero in half of the rows or more, as lists of the others; and the numbers of those that are not. Some at a time, so that the lists stay small. */
export async function* sparseFeatures(
  rows: Float32Array,
  features: number,
  pace: Pace,
  mostListed = LISTED,
): AsyncGenerator<{ readonly sparse: readonly SparseFeature[]; readonly dense: readonly number[] }> {
  const count = rows.length / features
  const stride = Math.ceil(STRIDE / features)
  const found = new Int32Array(features)
  for (let first = 0; first < count; first += stride) {
    await pace()
    countNonzero({ rows, features, from: 0, to: features }, first, Math.min(count, first + stride), found)
  }
  const isSparse = Uint8Array.from(found, (some) => (2 * some <= count ? 1 : 0))
  const listed = (feature: number): number => (isSparse[feature] === 1 ? (found[feature] as number) : 0)
  for (let from = 0; from < features; ) {
    let total = listed(from)
    let to = from + 1
    while (to < features && total + listed(to) <= mostListed) total += listed(to++)
    /** Where each list goes on. */
    const next = new Int32Array(features)
    for (let i = from + 1; i < to; i++) next[i] = (next[i - 1] as number) + listed(i - 1)
    const starts = next.slice()
    const lists = { isSparse, next, places: new Int32Array(total), values: new Float32Array(total) }
    for (let first = 0; total > 0 && first < count; first += stride) {
      await pace()
      listNonzero({ rows, features, from, to }, first, Math.min(count, first + stride), lists)
    }
    const all = Array.from({ length: to - from }, (_, i) => from + i)
    const listOf = (feature: number): SparseFeature => ({
      feature,
      rows: lists.places.subarray(starts[feature], next[feature]),
      values: lists.values.subarray(starts[feature], next[feature]),
    })
    yield { sparse: all.filter((i) => isSparse[i] === 1).map(listOf), dense: all.filter((i) => isSparse[i] === 0) }
    from = to
  }
}
