import * as z from 'zod'
import type { MetricsDocument } from './data/metrics-document.ts'

/**
 * What a candidate must reach (value) and how it must compare with another model (change), after TFMA's thresholds. Every part that is given must hold; bounds are themselves allowed. The direction
 * of a change is required, as there is no guessing it from a name.
 */
export const threshold = z.strictObject({
  /** A figure of the metrics document: accuracy, f1Macro, rocAuc, logLoss; mae; ndcg@10. */
  metric: z.string().min(1),
  /** One slice (`source=shared`), or all of a kind (`label=*`); the whole test set when absent. */
  slice: z.string().optional(),
  /** Slices of a kind with fewer rows are passed over: their figures are noise. A slice named alone must have as many. */
  minCount: z.int().min(1).default(1),
  lower: z.number().optional(),
  upper: z.number().optional(),
  change: z
    .strictObject({
      direction: z.enum(['higher-is-better', 'lower-is-better']),
      /** `live`, or the name of a rival. */
      against: z.string().default('live'),
      /** The least gain: candidate - other for higher, other - candidate for lower. Negative allows that much loss. */
      atLeast: z.number(),
      /** The least gain as a share of the other's figure (0.02: two percent better). Of a figure of 0 any share is 0, so that it asks for no loss; TFMA divides by it, and always fails. */
      atLeastRelative: z.number().optional(),
      /** The gain must hold with this confidence: the lower end of its paired interval is compared instead of the figure. */
      confidence: z.number().min(0.5).max(0.9999).optional(),
      /** Where there is nothing to compare with. A first version has no live one, so that passes unless said otherwise; a rival that is missing fails. */
      missing: z.enum(['pass', 'fail']).optional(),
    })
    .optional(),
})
export type Threshold = z.output<typeof threshold>

/** A gain with what is known about its chance: an interval over resampled rows, for shares of right answers McNemar's test too. */
export type PairedGain = {
  readonly low: number
  readonly high: number
  readonly mcnemar?: { readonly onlyCandidate: number; readonly onlyOther: number; readonly p: number }
}

export type Check = {
  readonly metric: string
  readonly slice: string | null
  readonly against: string | null
  readonly candidate: number | null
  readonly other: number | null
  readonly paired: PairedGain | null
  readonly ok: boolean
  readonly why: string
}
export type Judgement = { readonly blessed: boolean; readonly checks: readonly Check[] }

/** Other models on the same test data by name; null where there is none, a text where it could not be measured. */
export type Rivals = Readonly<Record<string, MetricsDocument | string | null>>

/** The gain over a rival with an interval; undefined where the two did not answer the same rows. */
export type ComparePaired = (question: {
  against: string
  metric: string
  slice: string | null
  higher: boolean
  confidence: number
}) => PairedGain | undefined

type Measured = { readonly value: number | undefined; readonly count: number }

function measured(metrics: MetricsDocument, metric: string, slice: string | null): Measured | undefined {
  const at = slice === null ? metrics : metrics.slices.find((other) => other.slice === slice)
  return at && { value: at.figures[metric], count: at.count }
}

const figure = (x: number): string => String(Number(x.toFixed(4)))

/** Rounding of a difference of shares must not fail. */
const EPSILON = 1e-12

type Given = { readonly candidate: MetricsDocument; readonly rivals: Rivals; readonly comparePaired?: ComparePaired | undefined }

function check(limits: Threshold, slice: string | null, given: Given): Check {
  const { metric, lower, upper, change } = limits
  const name = slice === null ? metric : `${metric} of ${slice}`
  const mine = measured(given.candidate, metric, slice)
  const rival = change === undefined ? null : (given.rivals[change.against] ?? null)
  const theirs = rival === null || typeof rival === 'string' ? undefined : measured(rival, metric, slice)
  const other = change === undefined || change.against === 'live' ? 'the live version' : change.against
  const result = (ok: boolean, why: string, paired: PairedGain | null = null): Check => ({
    metric,
    slice,
    against: change?.against ?? null,
    candidate: mine?.value ?? null,
    other: theirs?.value ?? null,
    paired,
    ok,
    why,
  })
  // fail closed: what was not measured has not been passed
  if (mine?.value === undefined) return result(false, `${name} was not measured on the test set`)
  if (!Number.isFinite(mine.value)) return result(false, `${name} is ${mine.value}`)
  if (mine.count < limits.minCount) return result(false, `${name} was measured on ${mine.count} rows, ${limits.minCount} are needed`)
  if (lower !== undefined && mine.value < lower) return result(false, `${name} is ${figure(mine.value)}, below ${lower}`)
  if (upper !== undefined && mine.value > upper) return result(false, `${name} is ${figure(mine.value)}, above ${upper}`)
  if (change === undefined) return result(true, `${name} is ${figure(mine.value)}`)
  if (rival === null) {
    const passes = (change.missing ?? (change.against === 'live' ? 'pass' : 'fail')) === 'pass'
    return result(
      passes,
      `${name} is ${figure(mine.value)}; there is no ${change.against === 'live' ? 'live version' : change.against} to compare it with`,
    )
  }
  if (typeof rival === 'string') return result(false, `${other} could not be measured: ${rival}`)
  if (theirs?.value === undefined) return result(false, `${name} of ${other} was not measured on the same test set`)
  const higher = change.direction === 'higher-is-better'
  const share = change.atLeastRelative === undefined ? Number.NEGATIVE_INFINITY : change.atLeastRelative * Math.abs(theirs.value)
  const needed = Math.max(change.atLeast, share)
  const gain = higher ? mine.value - theirs.value : theirs.value - mine.value
  const compared = `${name} is ${figure(mine.value)}, ${other} has ${figure(theirs.value)}`
  // a comparison with NaN is false, and must not pass
  if (!(gain >= needed - EPSILON)) return result(false, `${compared}: a gain of ${figure(gain)} where ${figure(needed)} is needed`)
  if (change.confidence === undefined) return result(true, compared)
  const paired = given.comparePaired?.({ against: change.against, metric, slice, higher, confidence: change.confidence })
  if (paired === undefined)
    return result(false, `${compared}, but the two did not answer the same rows: how sure the gain is cannot be told`)
  const sure = `with ${change.confidence * 100} % confidence the gain is ${figure(paired.low)} to ${figure(paired.high)}`
  return paired.low >= needed - EPSILON
    ? result(true, `${compared}; ${sure}`, paired)
    : result(false, `${compared}, but ${sure}: ${figure(needed)} is needed at the least`, paired)
}

/** Whether a candidate may be released. Without any threshold nothing is blessed; a kind of slice of which none is there fails. */
export function judge(given: Given & { readonly thresholds: readonly Threshold[] }): Judgement {
  const checks = given.thresholds.flatMap((limits): Check[] => {
    const { slice } = limits
    if (slice === undefined) return [check(limits, null, given)]
    if (!slice.endsWith('=*')) return [check(limits, slice, given)]
    const kind = slice.slice(0, -1)
    const found = given.candidate.slices.filter((other) => other.slice.startsWith(kind) && !other.slice.includes(' & '))
    if (found.length === 0) return [check(limits, slice, given)]
    return found.filter(({ count }) => count >= limits.minCount).map((other) => check(limits, other.slice, given))
  })
  return { blessed: checks.length > 0 && checks.every(({ ok }) => ok), checks }
}
