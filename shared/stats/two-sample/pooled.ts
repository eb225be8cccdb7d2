/** Both samples in one order. */
export type Pooled = {
  /** Distinct values, rising, and how often each stands in either sample. */
  readonly values: readonly number[]
  readonly reference: readonly number[]
  readonly current: readonly number[]
}

/** Sorts both samples together, once: O(n log n). */
export function pool(reference: ArrayLike<number>, current: ArrayLike<number>): Pooled {
  const [a, b] = [Float64Array.from(reference).sort(), Float64Array.from(current).sort()]
  const pooled = { values: [] as number[], reference: [] as number[], current: [] as number[] }
  let [i, j] = [0, 0]
  while (i < a.length || j < b.length) {
    const value = Math.min(a[i] ?? Infinity, b[j] ?? Infinity)
    const [fromA, fromB] = [i, j]
    while (i < a.length && a[i] === value) i++
    while (j < b.length && b[j] === value) j++
    pooled.values.push(value)
    pooled.reference.push(i - fromA)
    pooled.current.push(j - fromB)
  }
  return pooled
}

/** The rank of each distinct value: the mean of the places that it takes, from 1. */
export function midranks({ reference, current }: Pooled): number[] {
  let before = 0
  return reference.map((count, i) => {
    const ties = count + (current[i] ?? 0)
    before += ties
    return before - (ties - 1) / 2
  })
}
