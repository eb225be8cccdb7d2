import * as z from 'zod'

const column = z.string().min(1).max(128)

/** What decides which rows go together into a part, and which part a row goes to. */
export const splitMethod = z.discriminatedUnion('by', [
  /** Each row by the hash of seed and id, within its arrival: it stays in its part whatever comes later. */
  z.strictObject({ by: z.literal('random') }),
  /** As random, and each value of the column (the label when null) in every part by its share, give or take one row. */
  z.strictObject({ by: z.literal('stratified'), column: column.nullable().default(null) }),
  /** The newest rows of all are the test, those before them the validation: what a model meets after it was made. Rows move on to train as newer ones come. */
  z.strictObject({ by: z.literal('time'), column }),
  /** All rows of an entity (a person, a device) in one part, for good: a model is tested on entities that it has never seen. Fractions are as near as whole entities permit. */
  z.strictObject({ by: z.literal('entity'), column }),
])
export type SplitMethod = z.output<typeof splitMethod>

/** The column that a method needs. */
export const methodColumn = (method: SplitMethod): string | null => (method.by === 'random' ? null : method.column)
