import type { CategoricalStatistics } from './dataset-statistics.ts'

const TRACKED = 8192
const SMALLEST_HASHES = 256
const TOP = 1000

/** FNV-1a with a finishing mix, to 32 bits: spreads values for counting distinct ones, protects nothing. */
function spread(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** Unicode characters, not counting halves of those beyond the first 65,536. */
function characters(text: string): number {
  let halves = 0
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit >= 0xdc00 && unit <= 0xdfff) halves++
  }
  return text.length - halves
}

/** Counts of text values in bounded memory. */
export type ValueCounts = { add(value: string): void; finish(): CategoricalStatistics | undefined }

/**
 * Exact while there are at most `tracked` (8,192) distinct values. Beyond that frequent values are kept by Misra and Gries' rule (a count may be low by n / tracked), and
 * distinct values are estimated from the 256 smallest hashes (k minimum values, Bar-Yossef et al. 2002).
 */
export function countValues({ tracked = TRACKED, top: most = TOP }: { tracked?: number; top?: number } = {}): ValueCounts {
  const counts = new Map<string, number>()
  let smallest: number[] = []
  let worst = Infinity
  let exact = true
  let n = 0
  let length = 0
  const remember = (value: string) => {
    const hash = spread(value)
    if (hash >= worst && smallest.length >= SMALLEST_HASHES) return
    let low = 0
    let high = smallest.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((smallest[middle] ?? 0) < hash) low = middle + 1
      else high = middle
    }
    if (smallest[low] === hash) return
    smallest.splice(low, 0, hash)
    smallest = smallest.slice(0, SMALLEST_HASHES)
    worst = smallest[smallest.length - 1] ?? Infinity
  }
  return {
    add: (value) => {
      n++
      length += characters(value)
      const seen = counts.get(value)
      if (seen !== undefined) {
        counts.set(value, seen + 1)
        return
      }
      remember(value)
      if (counts.size < tracked) {
        counts.set(value, 1)
        return
      }
      exact = false
      for (const [key, count] of counts) {
        if (count === 1) counts.delete(key)
        else counts.set(key, count - 1)
      }
    },
    finish: () => {
      if (n === 0) return undefined
      const top = [...counts]
        .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
        .slice(0, most)
        .map(([value, count]) => ({ value, count }))
      const estimate = smallest.length < SMALLEST_HASHES ? smallest.length : Math.round(((SMALLEST_HASHES - 1) * 2 ** 32) / (worst + 1))
      return { unique: exact ? counts.size : Math.max(estimate, counts.size), exact, top, meanLength: length / n }
    },
  }
}
