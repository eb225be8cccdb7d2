import * as z from 'zod/mini'
import { assert, must } from '../core/assert.ts'
import { AppError, type Issue } from '../core/errors.ts'
import { fail, ok, type Result } from '../core/result.ts'
import {
  type CategoricalCounts,
  categoricalCountsIssues,
  categoricalCountsSchema,
  categoricalObserver,
  emptyCategoricalCounts,
  mergeCategoricalCounts,
} from './categorical-counts.ts'
import {
  emptyNumericCounts,
  mergeNumericCounts,
  type NumericCounts,
  numericCountsIssues,
  numericCountsSchema,
  numericObserver,
} from './numeric-counts.ts'
import type { Reference, References } from './reference.ts'

/** Counts of one feature or output against its reference. */
export type Counts = NumericCounts | CategoricalCounts
export const countsSchema = z.discriminatedUnion('kind', [numericCountsSchema, categoricalCountsSchema])

/** Counts by the name of the feature or output: plain JSON, what a report carries and what the server adds up. */
export const countersSchema = z.record(z.string().check(z.minLength(1), z.maxLength(128)), countsSchema)
export type Counters = Record<string, Counts>

export type Observed = string | number | boolean | bigint | null | undefined

/** Counts values of the features that have a reference. */
export type Counting = {
  /** Counts one value. A name without a reference is left alone: the manifest decides what is counted. */
  observe(name: string, value: Observed): void
  /** Counts one value of each feature in `row`; a feature that the row lacks is counted as missing. */
  observeRow(row: Readonly<Record<string, Observed>>): void
  /** What was counted since the last `take`, which starts anew. */
  take(): Counters
}

const asNumber = (value: Observed): number | null => {
  if (value === null || value === undefined) return null
  return typeof value === 'string' && value.trim() === '' ? Number.NaN : Number(value)
}

function observerOf(reference: Reference): { counts: Counts; observe: (value: Observed) => void } {
  if (reference.kind === 'numeric') {
    const counts = emptyNumericCounts(reference)
    const observe = numericObserver(reference, counts)
    // what is not a number counts as NaN rather than being dropped: a text in a numeric feature is a finding
    return { counts, observe: (value) => observe(typeof value === 'number' ? value : asNumber(value)) }
  }
  const counts = emptyCategoricalCounts(reference)
  return { counts, observe: categoricalObserver(reference, counts) }
}

export function startCounting(references: References): Counting {
  const start = () => new Map(Object.entries(references).map(([name, reference]) => [name, observerOf(reference)]))
  let observers = start()
  return {
    observe: (name, value) => observers.get(name)?.observe(value),
    observeRow: (row) => {
      for (const [name, observer] of observers) observer.observe(row[name])
    },
    take: () => {
      const counters: Counters = Object.fromEntries([...observers].map(([name, { counts }]) => [name, counts]))
      observers = start()
      return counters
    },
  }
}

export const emptyCounts = (reference: Reference): Counts =>
  reference.kind === 'numeric' ? emptyNumericCounts(reference) : emptyCategoricalCounts(reference)

export const emptyCounters = (references: References): Counters =>
  Object.fromEntries(Object.entries(references).map(([name, reference]) => [name, emptyCounts(reference)]))

export function mergeCounts(a: Counts, b: Counts): Counts {
  if (a.kind === 'numeric' && b.kind === 'numeric') return mergeNumericCounts(a, b)
  assert(a.kind === 'categorical' && b.kind === 'categorical', 'counts that are merged were counted against the same reference')
  return mergeCategoricalCounts(a, b)
}

/** Both windows as one: exact, associative and commutative. Both sides must have been counted against (or validated for) the same references. */
export function mergeCounters(a: Counters, b: Counters): Counters {
  const merged: Counters = { ...a }
  for (const [name, counts] of Object.entries(b)) {
    const mine = Object.hasOwn(merged, name) ? merged[name] : undefined
    merged[name] = mine === undefined ? counts : mergeCounts(mine, counts)
  }
  return merged
}

/** All values that were seen, missing and not-a-number ones included. */
export const observedTotal = (counts: Counts): number =>
  counts.kind === 'numeric' ? counts.n + counts.nan + counts.posInf + counts.negInf + counts.missing : counts.n + counts.missing

/**
 * Counters as a device sent them, or what is impossible about them: a shape that is not theirs, lengths other than the reference's, sums that do
 * not add up, moments and extremes that contradict the cells, more than `maximum` values of one feature.
 * Fails with invalid_input, one issue for each contradiction.
 */
export function validateCounters(
  serialised: unknown,
  references: References,
  { maximum = Number.MAX_SAFE_INTEGER, where = 'counters' }: { maximum?: number; where?: string } = {},
): Result<Counters> {
  const parsed = countersSchema.safeParse(serialised)
  if (!parsed.success) {
    const issues = parsed.error.issues.map((issue) => ({ where: [where, ...issue.path].join('.'), what: issue.message }))
    return fail(new AppError('invalid_input', 'the counters do not have the form of counters', { issues }))
  }
  const issues: Issue[] = []
  for (const [name, counts] of Object.entries(parsed.data)) {
    const at = `${where}.${name}`
    const reference = Object.hasOwn(references, name) ? must(references[name], name) : undefined
    if (reference === undefined) issues.push({ where: at, what: 'has no reference in the manifest of this version' })
    else if (reference.kind !== counts.kind) issues.push({ where: at, what: `is ${counts.kind} where the reference is ${reference.kind}` })
    else {
      if (counts.kind === 'numeric' && reference.kind === 'numeric') issues.push(...numericCountsIssues(counts, reference, at))
      if (counts.kind === 'categorical' && reference.kind === 'categorical') issues.push(...categoricalCountsIssues(counts, reference, at))
      if (observedTotal(counts) > maximum)
        issues.push({ where: at, what: `counts ${observedTotal(counts)} values, above the limit of ${maximum} for one report` })
    }
  }
  if (issues.length > 0) return fail(new AppError('invalid_input', 'the counters contradict themselves or their references', { issues }))
  return ok(parsed.data)
}
