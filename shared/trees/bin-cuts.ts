/** Rows that cuts are chosen from, at most. */
const SAMPLE = 200_000

/** Largest float32 `t` in the middle of two neighbours with `low <= t < high`, so that `x <= t` parts them. */
function between(low: number, high: number): number {
  const middle = Math.fround(low + (high - low) / 2)
  return middle >= high || middle < low ? low : middle
}

/** The two values of a column that has no more, in order; one where it has one; undefined where it has more. */
function fewValues(column: Float32Array): number[] | undefined {
  const first = column[0] as number
  let second = first
  for (let i = 1; i < column.length; i++) {
    const value = column[i] as number
    if (value === first || value === second) continue
    if (second !== first) return undefined
    second = value
  }
  if (first === second) return [first]
  return first < second ? [first, second] : [second, first]
}

/**
 * Where a column is cut into at most `bins` bins that hold about equally many rows: between all its values where they are few enough, else at quantiles of (at most 200,000) rows (Ke et al.
 * 2017, section 2.1; Chen & Guestrin 2016, section 3.2, without weights). Ascending; bin b holds what lies above cut b-1 and not above cut b.
 */
export function cutsOf(column: Float32Array, bins: number): Float32Array<ArrayBuffer> {
  const few = fewValues(column)
  if (few !== undefined) return few.length === 1 ? new Float32Array(0) : Float32Array.of(between(few[0] as number, few[1] as number))
  const every = Math.ceil(column.length / SAMPLE)
  const sorted = Float32Array.from({ length: Math.ceil(column.length / every) }, (_, i) => column[i * every] as number).sort()
  const values: number[] = []
  const counts: number[] = []
  for (const value of sorted) {
    if (value === values.at(-1)) counts[counts.length - 1] = (counts.at(-1) as number) + 1
    else {
      values.push(value)
      counts.push(1)
    }
  }
  const cuts: number[] = []
  let left = sorted.length
  let held = 0
  for (let i = 0; i + 1 < values.length && cuts.length + 1 < bins; i++) {
    held += counts[i] as number
    if (values.length > bins && held < left / (bins - cuts.length)) continue
    cuts.push(between(values[i] as number, values[i + 1] as number))
    left -= held
    held = 0
  }
  return Float32Array.from(cuts)
}

/** The bin of each value: how many cuts lie below it. */
export function binColumn(column: Float32Array, cuts: Float32Array, out: Uint8Array): void {
  for (let i = 0; i < column.length; i++) {
    const value = column[i] as number
    let low = 0
    let high = cuts.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((cuts[middle] as number) < value) low = middle + 1
      else high = middle
    }
    out[i] = low
  }
}
