import { must } from '../core/assert.ts'
import { exceeds } from './update.ts'

/** How large the updates of a round were before clipping: what the next round's bound can be chosen by. */
export type NormFacts = {
  readonly updates: number
  readonly clipped: number
  readonly least: number
  readonly median: number
  readonly most: number
}

/** Null where there are none. The median of an even number is the lower of the two. */
export function normFacts(norms: readonly number[], clipNorm: number): NormFacts | null {
  if (norms.length === 0) return null
  const sorted = norms.toSorted((a, b) => a - b)
  const at = (index: number) => must(sorted[index], 'a norm')
  return {
    updates: norms.length,
    clipped: norms.filter((norm) => exceeds(norm, clipNorm)).length,
    least: at(0),
    median: at((sorted.length - 1) >> 1),
    most: at(sorted.length - 1),
  }
}
