import type { ChangeDetector } from './change-detector.ts'

export type DdmOptions = {
  /** Values before the first alarm. */
  readonly least?: number
  /** Standard deviations above the best error rate so far. */
  readonly deviations?: number
}

/** Drift detection method (Gama, Medas, Castillo, Rodrigues 2004) over errors (1) and right answers (0): alarm where p + s > p_min + 3 s_min, with s² = p (1 - p) / n. */
export function ddm({ least = 30, deviations = 3 }: DdmOptions = {}): ChangeDetector {
  let [seen, errors] = [0, 0]
  let best = { p: Infinity, s: Infinity }
  return {
    add(value) {
      seen++
      errors += value
      if (seen <= least) return false
      const p = errors / seen
      const s = Math.sqrt((p * (1 - p)) / seen)
      if (p + s <= best.p + best.s) best = { p, s }
      const changed = p + s > best.p + deviations * best.s
      if (changed) {
        ;[seen, errors] = [0, 0]
        best = { p: Infinity, s: Infinity }
      }
      return changed
    },
  }
}
