/** Rows that cuts are chosen from, at most. */
const SAMPLE = 200_000

/** Largest float32 `t` in the middle of two neighbours with `low <= t < high`, so that `x <= t` parts them. */
function between(low: number, high: number): number {
  const middle = Math.fround(low + (high - low) / 2)
  return middle >= high || middle < low ? low : middle
}

/** The two values of a column that has no more, in order; one where it has one; undefined where it has more. */
function fewValues(values: Float32Array, zeros: number): number[] | undefined {
  const first = zeros > 0 ? 0 : (values[0] as number)
  let second = first
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number
    if (value === first || value === second) continue
    if (second !== first) return undefined
    second = value
  }
  if (first === second) return [first]
  return first < second ? [first, second] : [second, first]
}

/** Distinct values, ascending, and how many rows have each. */
function counted(values: Float32Array, zeros: number): { readonly distinct: number[]; readonly counts: number[]; readonly total: number } {
  const every = Math.ceil((values.length + zeros) / SAMPLE)
  const sorted = Float32Array.from({ length: Math.ceil(values.length / every) }, (_, i) => values[i * every] as number).sort()
  const distinct: number[] = []
  const counts: number[] = []
  const add = (value: number, count: number): void => {
    if (value === distinct.at(-1)) counts[counts.length - 1] = (counts.at(-1) as number) + count
    else {
      distinct.push(value)
      counts.push(count)
    }
  }
  let left = Math.ceil(zeros / every)
  const total = sorted.length + left
  for (const value of sorted) {
    if (left > 0 && value >= 0) {
      add(0, left)
      left = 0
    }
    add(value, 1)
  }
  if (left > 0) add(0, left)
  return { distinct, counts, total }
}

/**
 * Where a column is cut into at most `bins` bins that hold about equally many rows: between all its values where they are few enough, else at quantiles of (at most 200,000) rows (Ke et al.
 * 2017, section 2.1; Chen & Guestrin 2016, section 3.2, without weights). Ascending; bin b holds what lies above cut b-1 and not above cut b. `zeros` are rows that `values` leaves out.
 */
export function cutsOf(values: Float32Array, bins: number, zeros = 0): Float32Array<ArrayBuffer> {
  const few = fewValues(values, zeros)
  if (few !== undefined) return few.length === 1 ? new Float32Array(0) : Float32Array.of(between(few[0] as number, few[1] as number))
  const { distinct, counts, total } = counted(values, zeros)
  const cuts: number[] = []
  let left = total
  let held = 0
  for (let i = 0; i + 1 < distinct.length && cuts.length + 1 < bins; i++) {
    held += counts[i] as number
    const share = left / (bins - cuts.length)
    // a value that fills a bin by itself is parted from the rare ones before it, or the last of all would never be
    if (distinct.length > bins && held < share && (counts[i + 1] as number) < share) continue
    cuts.push(between(distinct[i] as number, distinct[i + 1] as number))
    left -= held
    held = 0
  }
  return Float32Array.from(cuts)
}

/** The bin of a value: how many cuts lie below it. */
export function binOf(value: number, cuts: Float32Array): number {
  let low = 0
  let high = cuts.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((cuts[middle] as number) < value) low = middle + 1
    else high = middle
  }
  return low
}
