import * as z from 'zod/mini'
import { countSchema } from './numeric-reference.ts'

export const TOP_VALUES = 32

/** How a categorical feature looked when the model was trained: its most frequent values, the rest in one cell. Stands in the signed manifest. */
export const categoricalReferenceSchema = z.strictObject({
  kind: z.literal('categorical'),
  values: z.array(z.string().check(z.maxLength(256))).check(z.maxLength(256)),
  counts: z.array(countSchema).check(z.maxLength(256)),
  other: countSchema,
  missing: countSchema,
})

export type CategoricalReference = z.infer<typeof categoricalReferenceSchema>

/** How a value of any scalar type is spelled as a category. */
export const categoryOf = (value: string | number | boolean | bigint): string => String(value)

/**
 * The reference of a categorical feature: the `top` most frequent values, ties in code unit order so that the same data always gives the same reference.
 * `keep` names values that must have a cell of their own whether seen or not (the labels of a classifier).
 */
export function makeCategoricalReference(
  values: Iterable<string | number | boolean | bigint | null | undefined>,
  { top = TOP_VALUES, keep = [] }: { top?: number; keep?: readonly string[] } = {},
): CategoricalReference {
  const seen = new Map<string, number>(keep.map((value) => [value, 0]))
  let missing = 0
  for (const value of values) {
    if (value === null || value === undefined) missing++
    else seen.set(categoryOf(value), (seen.get(categoryOf(value)) ?? 0) + 1)
  }
  const kept = new Set(keep)
  const byCount = [...seen]
    .filter(([value]) => !kept.has(value))
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .slice(0, Math.max(0, top - keep.length))
    .map(([value]) => value)
  const chosen = [...kept, ...byCount]
  const counts = chosen.map((value) => seen.get(value) ?? 0)
  const total = [...seen.values()].reduce((sum, n) => sum + n, 0)
  return { kind: 'categorical', values: chosen, counts, other: total - counts.reduce((sum, n) => sum + n, 0), missing }
}
