import * as z from 'zod/mini'
import { assert } from '../core/assert.ts'
import { AppError } from '../core/errors.ts'
import { fail, ok, type Result } from '../core/result.ts'
import { countSchema } from './numeric-reference.ts'
import { type Interval, wilsonInterval } from './wilson.ts'

/** What users said about predictions: right and wrong ones by predicted class, in the order of the model's labels. Also the serialised form. */
export const outcomeCountsSchema = z.strictObject({
  right: z.array(countSchema).check(z.maxLength(1000)),
  wrong: z.array(countSchema).check(z.maxLength(1000)),
})

export type OutcomeCounts = z.infer<typeof outcomeCountsSchema>

export const emptyOutcomes = (classes: number): OutcomeCounts => ({
  right: new Array<number>(classes).fill(0),
  wrong: new Array<number>(classes).fill(0),
})

/** Counts feedback on one prediction of class `predicted` (its index among the labels). */
export function countFeedback(counts: OutcomeCounts, predicted: number, right: boolean): void {
  assert(Number.isInteger(predicted) && predicted >= 0 && predicted < counts.right.length, 'the predicted class is one of the labels')
  const side = right ? counts.right : counts.wrong
  side[predicted] = (side[predicted] ?? 0) + 1
}

/** Both windows as one. Exact, associative and commutative. */
export function mergeOutcomes(a: OutcomeCounts, b: OutcomeCounts): OutcomeCounts {
  assert(a.right.length === b.right.length, 'outcomes that are merged belong to the same labels')
  const add = (x: readonly number[], y: readonly number[]) => x.map((value, i) => value + (y[i] ?? 0))
  return { right: add(a.right, b.right), wrong: add(a.wrong, b.wrong) }
}

export type LiveAccuracy = { readonly accuracy: number; readonly interval: Interval; readonly n: number }

/** Share of right predictions among those with feedback, with Wilson's interval; null without feedback. `predicted` narrows it to one class. */
export function liveAccuracy(counts: OutcomeCounts, options: { predicted?: number; confidence?: number } = {}): LiveAccuracy | null {
  const { predicted, confidence = 0.95 } = options
  const total = (side: readonly number[]) => (predicted === undefined ? side.reduce((sum, n) => sum + n, 0) : (side[predicted] ?? 0))
  const right = total(counts.right)
  const n = right + total(counts.wrong)
  return n === 0 ? null : { accuracy: right / n, interval: wilsonInterval(right, n, confidence), n }
}

/** Outcome counts as a device sent them. Fails with invalid_input. */
export function validateOutcomes(
  serialised: unknown,
  { classes, where = 'outcomes' }: { classes: number; where?: string },
): Result<OutcomeCounts> {
  const parsed = outcomeCountsSchema.safeParse(serialised)
  if (!parsed.success) {
    const issues = parsed.error.issues.map((issue) => ({ where: [where, ...issue.path].join('.'), what: issue.message }))
    return fail(new AppError('invalid_input', 'the outcome counts do not have their form', { issues }))
  }
  if (parsed.data.right.length !== classes || parsed.data.wrong.length !== classes) {
    const what = `has ${parsed.data.right.length} right and ${parsed.data.wrong.length} wrong cells for ${classes} labels`
    return fail(new AppError('invalid_input', 'the outcome counts belong to other labels', { issues: [{ where, what }] }))
  }
  return ok(parsed.data)
}
