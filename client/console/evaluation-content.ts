import * as z from 'zod/mini'

/** What the console recognises of how a model was judged, in the JSON of `metrics` and `blessing` artifacts; anything else is undefined. */
const interval = z.object({ low: z.number(), high: z.number() })
const measured = z.object({ count: z.number(), figures: z.record(z.string(), z.number()), intervals: z.record(z.string(), interval) })
const sliced = z.extend(measured, { slices: z.array(z.extend(measured, { slice: z.string() })), statement: z.optional(z.string()) })
const check = z.object({
  metric: z.string(),
  slice: z.nullable(z.string()),
  against: z.nullish(z.string()),
  candidate: z.nullish(z.number()),
  other: z.nullish(z.number()),
  ok: z.boolean(),
  why: z.string(),
})
const blessing = z.object({ blessed: z.boolean(), reasons: z.array(z.string()), checks: z.array(check) })

export type Slices = z.infer<typeof sliced>
export type Blessing = z.infer<typeof blessing>

/** Figures with intervals of a test set and of slices of it. */
export function slicesOf(value: unknown): Slices | undefined {
  const parsed = z.safeParse(sliced, value)
  return parsed.success ? parsed.data : undefined
}

/** Whether a model was blessed, and each check that this rests on. */
export function blessingOf(value: unknown): Blessing | undefined {
  const parsed = z.safeParse(blessing, value)
  return parsed.success ? parsed.data : undefined
}
