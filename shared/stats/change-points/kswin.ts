import { seededRandom } from '../../core/random.ts'
import { kolmogorovSmirnovTwoSample } from '../two-sample/kolmogorov-smirnov.ts'
import type { ChangeDetector } from './change-detector.ts'

export type KswinOptions = { readonly alpha?: number; readonly window?: number; readonly recent?: number; readonly seed?: number }

/** Distances below this do not count, however sure. */
const LEAST_DISTANCE = 0.1

/** KSWIN (Raab, Heusinger, Schleif 2020): the newest `recent` values of a window against as many drawn from the others, by Kolmogorov-Smirnov, at each value. */
export function kswin({ alpha = 0.005, window = 100, recent = 30, seed = 1 }: KswinOptions = {}): ChangeDetector {
  let values: number[] = []
  let random = seededRandom(seed)
  return {
    add(value) {
      values.push(value)
      if (values.length > window) values.shift()
      if (values.length < window) return false
      const older = values.slice(0, window - recent)
      for (let i = 0; i < recent && i < older.length; i++) {
        const j = i + random.integer(older.length - i)
        ;[older[i], older[j]] = [older[j] as number, older[i] as number]
      }
      const { statistic, p } = kolmogorovSmirnovTwoSample(older.slice(0, recent), values.slice(window - recent))
      const changed = p <= alpha && statistic > LEAST_DISTANCE
      if (changed) {
        values = []
        random = seededRandom(seed)
      }
      return changed
    },
  }
}
