import type { ChangeDetector } from './change-detector.ts'
import type { HddmOptions } from './hddm-average.ts'

type Weighted = { readonly mean: number; readonly squares: number; readonly seen: boolean }

/** HDDM_W (Frías-Blanco et al. 2014, algorithm 3): as HDDM_A with exponentially weighted means, by McDiarmid's bound; `weight` is that of the newest value. */
export function hddmWeighted({
  alpha = 0.001,
  twoSided = false,
  weight = 0.05,
}: HddmOptions & { readonly weight?: number } = {}): ChangeDetector {
  const none: Weighted = { mean: 0, squares: 1, seen: false }
  const next = ({ mean, squares, seen }: Weighted, value: number): Weighted => ({
    mean: seen ? mean + weight * (value - mean) : value,
    squares: weight ** 2 + (1 - weight) ** 2 * squares,
    seen: true,
  })
  const bound = (squares: number): number => Math.sqrt((squares * Math.log(1 / alpha)) / 2)
  const exceeds = (one: Weighted, other: Weighted): boolean =>
    one.seen && other.seen && one.mean - other.mean > bound(one.squares + other.squares)
  const fresh = () => ({
    all: none,
    low: { cut: Infinity, before: none, after: none },
    high: { cut: -Infinity, before: none, after: none },
  })
  let at = fresh()
  return {
    add(value) {
      at.all = next(at.all, value)
      const reach = bound(at.all.squares)
      const { all, low, high } = at
      at.low = all.mean + reach < low.cut ? { cut: all.mean + reach, before: all, after: none } : { ...low, after: next(low.after, value) }
      at.high =
        all.mean - reach > high.cut ? { cut: all.mean - reach, before: all, after: none } : { ...high, after: next(high.after, value) }
      const changed = exceeds(at.low.after, at.low.before) || (twoSided && exceeds(at.high.before, at.high.after))
      if (changed) at = fresh()
      return changed
    },
  }
}
