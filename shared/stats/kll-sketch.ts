import { assert } from '../core/assert.ts'
import type { Random } from '../core/random.ts'

/** Least capacity of a level. */
const LEAST = 8
/** Each level below the top has this share of the capacity of the next. */
const SHRINK = 2 / 3

/** Quantiles of a stream of unknown range, in memory that grows with the logarithm of its length. Exact are n, min and max. */
export type KllSketch = {
  readonly k: number
  readonly n: number
  readonly min: number
  readonly max: number
  /** Values by level; one of level i stands for 2^i of the stream. The weights add up to n. */
  readonly levels: readonly (readonly number[])[]
  add(value: number): void
  /** Takes in what another has seen. */
  merge(other: KllSketch): void
  /** The share of the stream at or below x. */
  rank(x: number): number
  /** A value whose rank is near `share`. NaN where nothing was seen. */
  quantile(share: number): number
}

/** How far a rank is off with 99 % confidence: of one, or of the mass between any two (`between`). Fitted by Apache DataSketches (KllHelper, 2018). */
export const kllRankError = (k: number, between = false): number => (between ? 2.446 / k ** 0.9433 : 2.296 / k ** 0.9723)

/** KLL sketch (Karnin, Lang, Liberty 2016, "Optimal quantile approximation in streams"), as Apache DataSketches lays it out: k = 200 is right to 1.33 % of the rank. */
export function kllSketch(random: Random, k = 200): KllSketch {
  let n = 0
  let [min, max] = [Infinity, -Infinity]
  const levels: number[][] = [[]]
  const capacity = (level: number): number => Math.max(LEAST, Math.ceil(k * SHRINK ** (levels.length - 1 - level)))
  const sum = (of: (level: number) => number): number => levels.reduce((all, _, level) => all + of(level), 0)

  /** Halves the first level that is full: every other value of the sorted ones goes up, from the first or the second on. */
  function compact(): void {
    const level = levels.findIndex((values, i) => values.length >= capacity(i))
    if (level < 0) return
    if (level === levels.length - 1) levels.push([])
    const values = (levels[level] as number[]).sort((a, b) => a - b)
    // an odd one stays where it is
    const kept = values.length % 2 === 1 ? values.splice(0, 1) : []
    const from = random.integer(2)
    levels[level + 1]?.push(...values.filter((_, i) => i % 2 === from))
    levels[level] = kept
  }
  const shrink = (): void => {
    while (sum((level) => levels[level]?.length ?? 0) > sum(capacity)) compact()
  }
  const weighted = (): [value: number, weight: number][] =>
    levels.flatMap((values, level) => values.map((value): [number, number] => [value, 2 ** level])).sort(([a], [b]) => a - b)

  return {
    k,
    levels,
    get n() {
      return n
    },
    get min() {
      return min
    },
    get max() {
      return max
    },
    add(value) {
      assert(!Number.isNaN(value), 'a value has a place in the order')
      n++
      min = Math.min(min, value)
      max = Math.max(max, value)
      levels[0]?.push(value)
      if ((levels[0]?.length ?? 0) >= capacity(0)) shrink()
    },
    merge(other) {
      n += other.n
      min = Math.min(min, other.min)
      max = Math.max(max, other.max)
      for (const [level, values] of other.levels.entries()) {
        while (levels.length <= level) levels.push([])
        levels[level]?.push(...values)
      }
      shrink()
    },
    rank: (x) => (n === 0 ? Number.NaN : weighted().reduce((all, [value, weight]) => (value <= x ? all + weight : all), 0) / n),
    quantile(share) {
      if (n === 0) return Number.NaN
      if (share <= 0) return min
      if (share >= 1) return max
      let below = 0
      return weighted().find(([, weight]) => (below += weight) >= share * n)?.[0] ?? max
    },
  }
}

/** Bytes of the compact form of floats: preamble 5, family 15, version 1. @see https://datasketches.apache.org/docs/KLL/KLLSketch.html */
export function encodeKll({ k, n, min, max, levels }: KllSketch): Uint8Array {
  const empty = n === 0
  const used = levels.slice(0, levels.findLastIndex((values) => values.length > 0) + 1)
  const retained = used.reduce((all, values) => all + values.length, 0)
  const bytes = new Uint8Array(empty ? 8 : 20 + 4 * used.length + 4 * (retained + 2))
  const view = new DataView(bytes.buffer)
  bytes.set([empty ? 2 : 5, 1, 15, empty ? 1 : 0])
  view.setUint16(4, k, true)
  bytes[6] = LEAST
  if (empty) return bytes
  view.setBigUint64(8, BigInt(n), true)
  view.setUint16(16, k, true)
  bytes[18] = used.length
  let at = 20
  // where each level begins, were the values aligned at the end of all capacities; compactly from 0
  let begin = 0
  for (const values of used) {
    view.setUint32(at, begin, true)
    begin += values.length
    at += 4
  }
  for (const value of [min, max, ...used.flat()]) {
    view.setFloat32(at, value, true)
    at += 4
  }
  return bytes
}
