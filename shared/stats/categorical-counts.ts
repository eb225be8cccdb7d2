import * as z from 'zod/mini'
import type { Issue } from '../core/errors.ts'
import { type CategoricalReference, categoryOf } from './categorical-reference.ts'
import { countSchema } from './numeric-reference.ts'

/** What was counted of one categorical feature in one window; also its serialised form. */
export const categoricalCountsSchema = z.strictObject({
  kind: z.literal('categorical'),
  /** Values that were there: the sum of counts and other. */
  n: countSchema,
  /** In the order of the reference's values. */
  counts: z.array(countSchema).check(z.maxLength(256)),
  other: countSchema,
  missing: countSchema,
})

export type CategoricalCounts = z.infer<typeof categoricalCountsSchema>

export const emptyCategoricalCounts = (reference: CategoricalReference): CategoricalCounts => ({
  kind: 'categorical',
  n: 0,
  counts: new Array<number>(reference.values.length).fill(0),
  other: 0,
  missing: 0,
})

/** A function that counts values into `counts`. A value that the reference does not name is counted as `other` and not kept: it could be personal. */
export function categoricalObserver(
  reference: CategoricalReference,
  counts: CategoricalCounts,
): (value: string | number | boolean | bigint | null | undefined) => void {
  const index = new Map(reference.values.map((value, i) => [value, i]))
  return (value) => {
    if (value === null || value === undefined) {
      counts.missing++
      return
    }
    counts.n++
    const at = index.get(categoryOf(value))
    if (at === undefined) counts.other++
    else counts.counts[at] = (counts.counts[at] ?? 0) + 1
  }
}

/** Both windows as one. Exact, associative and commutative. */
export const mergeCategoricalCounts = (a: CategoricalCounts, b: CategoricalCounts): CategoricalCounts => ({
  kind: 'categorical',
  n: a.n + b.n,
  counts: a.counts.map((count, i) => count + (b.counts[i] ?? 0)),
  other: a.other + b.other,
  missing: a.missing + b.missing,
})

/** What about these counts no honest device could have counted against this reference. */
export function categoricalCountsIssues(counts: CategoricalCounts, reference: CategoricalReference, where: string): Issue[] {
  if (counts.counts.length !== reference.values.length) {
    return [{ where: `${where}.counts`, what: `has ${counts.counts.length} cells where the reference needs ${reference.values.length}` }]
  }
  const total = counts.counts.reduce((sum, count) => sum + count, counts.other)
  return total === counts.n ? [] : [{ where: `${where}.n`, what: `is ${counts.n} but counts and other add up to ${total}` }]
}
