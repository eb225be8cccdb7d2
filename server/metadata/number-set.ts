/** 32 numbers a word. */
const WORDS = 128
const PAGE = WORDS * 32

export type NumberSet = {
  has(number: number): boolean
  /** False for one that was there. */
  add(number: number): boolean
}

/** Whole numbers from 0, as bits: row numbers of a walk lie close together, and thousands of them stay in the processor's nearest memory, which a Set of them does not. */
export function numberSet(): NumberSet {
  const pages: (Uint32Array | undefined)[] = []
  const has = (number: number): boolean => {
    const page = pages[Math.floor(number / PAGE)]
    return page !== undefined && ((page[(number % PAGE) >>> 5] ?? 0) & (1 << (number & 31))) !== 0
  }
  return {
    has,
    add: (number) => {
      if (has(number)) return false
      const at = Math.floor(number / PAGE)
      const page = pages[at] ?? new Uint32Array(WORDS)
      pages[at] = page
      const word = (number % PAGE) >>> 5
      page[word] = (page[word] ?? 0) | (1 << (number & 31))
      return true
    },
  }
}
