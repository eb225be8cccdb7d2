import * as z from 'zod'
import { exhausted } from '../../shared/core/assert.ts'
import type { MetricsDocument } from './data/metrics-document.ts'

/** What a candidate must reach (value) and how it must compare with the live version (change). Both of a threshold's parts must hold; bounds are themselves allowed. */
export const threshold = z.strictObject({
  metric: z.enum(['accuracy', 'logLoss', 'calibrationError']),
  /** One slice (`source=shared`), or all of a kind (`label=*`); the whole test set when absent. Slices have an accuracy only. */
  slice: z.string().optional(),
  /** Slices of a kind with fewer rows are passed over: their figures are noise. A slice named alone must have as many. */
  minCount: z.int().min(1).default(1),
  lower: z.number().optional(),
  upper: z.number().optional(),
  change: z
    .strictObject({
      direction: z.enum(['higher-is-better', 'lower-is-better']),
      /** The least difference to the live version: candidate - live for higher, live - candidate for lower. Negative allows that much loss. */
      atLeast: z.number(),
    })
    .optional(),
})
export type Threshold = z.output<typeof threshold>

export type Check = {
  readonly metric: string
  readonly slice: string | null
  readonly candidate: number | null
  readonly live: number | null
  readonly ok: boolean
  readonly why: string
}
export type Judgement = { readonly blessed: boolean; readonly checks: readonly Check[] }

type Measured = { readonly value: number; readonly count: number }

function measured(metrics: MetricsDocument, metric: Threshold['metric'], slice: string | null): Measured | undefined {
  if (slice === null) return { value: metrics[metric], count: metrics.count }
  const found = metrics.slices.find((other) => other.slice === slice)
  if (found === undefined) return undefined
  switch (metric) {
    case 'accuracy':
      return { value: found.accuracy, count: found.count }
    case 'logLoss':
    case 'calibrationError':
      return undefined
    default:
      return exhausted(metric)
  }
}

const figure = (x: number): string => String(Number(x.toFixed(4)))

function check(limits: Threshold, slice: string | null, candidate: MetricsDocument, live: MetricsDocument | null): Check {
  const { metric, lower, upper, change } = limits
  const name = slice === null ? metric : `${metric} of ${slice}`
  const mine = measured(candidate, metric, slice)
  const theirs = live === null ? undefined : measured(live, metric, slice)
  const result = (ok: boolean, why: string): Check => ({
    metric,
    slice,
    candidate: mine?.value ?? null,
    live: theirs?.value ?? null,
    ok,
    why,
  })
  // fail closed: what was not measured has not been passed
  if (mine === undefined) return result(false, `${name} was not measured on the test set`)
  if (!Number.isFinite(mine.value)) return result(false, `${name} is ${mine.value}`)
  if (mine.count < limits.minCount) return result(false, `${name} was measured on ${mine.count} rows, ${limits.minCount} are needed`)
  if (lower !== undefined && mine.value < lower) return result(false, `${name} is ${figure(mine.value)}, below ${lower}`)
  if (upper !== undefined && mine.value > upper) return result(false, `${name} is ${figure(mine.value)}, above ${upper}`)
  if (change !== undefined && live !== null) {
    if (theirs === undefined) return result(false, `${name} of the live version was not measured on the same test set`)
    const gain = change.direction === 'higher-is-better' ? mine.value - theirs.value : theirs.value - mine.value
    // a comparison with NaN is false, and must not pass. Rounding of a difference of shares must not fail.
    if (!(gain >= change.atLeast - 1e-12))
      return result(
        false,
        `${name} is ${figure(mine.value)}, the live version has ${figure(theirs.value)}: a gain of ${figure(gain)} where ${change.atLeast} is needed`,
      )
  }
  return result(true, `${name} is ${figure(mine.value)}${theirs === undefined ? '' : `, the live version has ${figure(theirs.value)}`}`)
}

/**
 * Whether a candidate may be released (after TFMA's validation, but with differences instead of ratios, which break down near zero). Change thresholds do not apply to a first version. Without
 * any threshold nothing is blessed; a kind of slice of which none is there fails.
 */
export function judge(candidate: MetricsDocument, live: MetricsDocument | null, thresholds: readonly Threshold[]): Judgement {
  const checks = thresholds.flatMap((limits): Check[] => {
    const { slice } = limits
    if (slice === undefined) return [check(limits, null, candidate, live)]
    if (!slice.endsWith('=*')) return [check(limits, slice, candidate, live)]
    const kind = slice.slice(0, -1)
    const found = candidate.slices.filter((other) => other.slice.startsWith(kind))
    if (found.length === 0) return [check(limits, slice, candidate, live)]
    return found.filter(({ count }) => count >= limits.minCount).map((other) => check(limits, other.slice, candidate, live))
  })
  return { blessed: checks.length > 0 && checks.every(({ ok }) => ok), checks }
}
