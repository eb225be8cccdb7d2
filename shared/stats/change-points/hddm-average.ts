import type { ChangeDetector } from './change-detector.ts'

export type HddmOptions = {
  /** Probability of a false alarm that each bound allows. */
  readonly alpha?: number
  /** Whether a mean that falls counts too. */
  readonly twoSided?: boolean
}

type Mean = { readonly n: number; readonly mean: number }

/** HDDM_A (Frías-Blanco et al. 2014, algorithm 2): values between 0 and 1, the mean since the best cut against that before it, by Hoeffding's bound. */
export function hddmAverage({ alpha = 0.001, twoSided = false }: HddmOptions = {}): ChangeDetector {
  const none: Mean = { n: 0, mean: 0 }
  let [all, low, high] = [none, none, none]
  const bound = (n: number): number => Math.sqrt(Math.log(1 / alpha) / (2 * n))
  /** How far two means may be apart by chance, where one is of the first values of the other. */
  const gap = (cut: Mean): number => Math.sqrt((((all.n - cut.n) / cut.n / all.n) * Math.log(2 / alpha)) / 2)
  return {
    add(value) {
      all = { n: all.n + 1, mean: all.mean + (value - all.mean) / (all.n + 1) }
      if (low.n === 0 || low.mean + bound(low.n) >= all.mean + bound(all.n)) low = all
      if (high.n === 0 || high.mean - bound(high.n) <= all.mean - bound(all.n)) high = all
      const rose = low.n < all.n && all.mean - low.mean >= gap(low)
      const fell = twoSided && high.n < all.n && high.mean - all.mean >= gap(high)
      if (rose || fell) [all, low, high] = [none, none, none]
      return rose || fell
    },
  }
}
