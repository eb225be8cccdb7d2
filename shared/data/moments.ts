import { seededRandom } from '../core/random.ts'

/** Mean, sample deviation and extremes of finite numbers, one at a time (Welford 1962). */
export function moments() {
  let n = 0
  let mean = 0
  let squares = 0
  let min = Infinity
  let max = -Infinity
  return {
    add(x: number): void {
      n++
      const delta = x - mean
      mean += delta / n
      squares += delta * (x - mean)
      if (x < min) min = x
      if (x > max) max = x
    },
    finish: () => ({ n, mean, deviation: n > 1 ? Math.sqrt(squares / (n - 1)) : 0, min, max }),
  }
}

/** Of a quantile the standard error is below 0.2 % of the rows. */
const KEPT = 65_536

/** All numbers while they are few, else a fair sample of them (algorithm R, Vitter 1985), sorted. The same numbers give the same sample. */
export function valueSample() {
  const kept: number[] = []
  const random = seededRandom(1)
  let n = 0
  return {
    add(x: number): void {
      n++
      if (kept.length < KEPT) kept.push(x)
      else {
        const slot = random.integer(n)
        if (slot < KEPT) kept[slot] = x
      }
    },
    finish: (): Float64Array => Float64Array.from(kept).sort(),
  }
}
