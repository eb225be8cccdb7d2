import type { ChangeDetector } from './change-detector.ts'

export type AdwinOptions = {
  /** Probability of a false cut that the bound allows, before it is divided over the cuts. */
  readonly delta?: number
  /** Values between two looks. */
  readonly clock?: number
  /** Buckets of one size; more are merged by two. */
  readonly buckets?: number
  /** Values on either side of a cut. */
  readonly least?: number
  /** Values before the first look. */
  readonly grace?: number
}

/** Values that are kept as their number, sum and sum of squared deviations. */
type Bucket = { readonly n: number; readonly sum: number; readonly squares: number }

const NONE: Bucket = { n: 0, sum: 0, squares: 0 }

/** Both together (Chan, Golub, LeVeque 1979). */
function merge(a: Bucket, b: Bucket): Bucket {
  const gap = a.n === 0 || b.n === 0 ? 0 : (a.sum / a.n - b.sum / b.n) ** 2
  return {
    n: a.n + b.n,
    sum: a.sum + b.sum,
    squares: a.squares + b.squares + (a.n === 0 || b.n === 0 ? 0 : ((a.n * b.n) / (a.n + b.n)) * gap),
  }
}

/** What is left of `all` without `part`. */
function without(all: Bucket, part: Bucket): Bucket {
  const [n, sum] = [all.n - part.n, all.sum - part.sum]
  if (n === 0) return NONE
  const gap = (sum / n - part.sum / part.n) ** 2
  return { n, sum, squares: all.squares - part.squares - ((n * part.n) / all.n) * gap }
}

/** ADWIN, and what its window holds. */
export type Adwin = ChangeDetector & { window(): Bucket }

/**
 * ADWIN (Bifet, Gavaldà 2007): a window of all values that look alike, in O(log n) memory. The oldest values are dropped while some cut parts means further than
 * sqrt(2 s² ln(2 ln(W) / delta) / m) + 2/3 ln(2 ln(W) / delta) / m, 1/m being the sum of both sides' 1 / (n - least + 1); defaults are those of river.
 */
export function adwin({ delta = 0.002, clock = 32, buckets = 5, least = 5, grace = 10 }: AdwinOptions = {}): Adwin {
  /** By size, 1, 2, 4 …; the oldest first in each. */
  let rows: Bucket[][] = [[]]
  let all = NONE
  let seen = 0

  function insert(value: number): void {
    const one = { n: 1, sum: value, squares: 0 }
    all = merge(all, one)
    rows[0]?.push(one)
    for (let size = 0; (rows[size]?.length ?? 0) > buckets; size++) {
      const [first = NONE, second = NONE] = rows[size]?.splice(0, 2) ?? []
      if (size + 1 === rows.length) rows.push([])
      rows[size + 1]?.push(merge(first, second))
    }
  }

  function parts(old: Bucket, young: Bucket): boolean {
    if (old.n < least || young.n < least) return false
    const log = Math.log((2 * Math.log(all.n)) / delta)
    const share = 1 / (old.n - least + 1) + 1 / (young.n - least + 1)
    const bound = Math.sqrt(2 * share * (all.squares / all.n) * log) + (2 / 3) * log * share
    return Math.abs(old.sum / old.n - young.sum / young.n) > bound
  }

  function hasCut(): boolean {
    let [old, young] = [NONE, all]
    for (let size = rows.length - 1; size >= 0; size--)
      for (const bucket of rows[size] ?? []) {
        old = merge(old, bucket)
        young = without(young, bucket)
        if (young.n > 0 && parts(old, young)) return true
      }
    return false
  }

  return {
    window: () => all,
    add(value) {
      insert(value)
      seen++
      if (seen % clock !== 0 || all.n <= grace || !hasCut()) return false
      // a fresh start: what comes is the new world
      rows = [[]]
      all = NONE
      seen = 0
      return true
    },
  }
}
