import * as z from 'zod'
import { holm } from '../../shared/stats/multiplicity.ts'
import { normalTail } from '../../shared/stats/special-functions.ts'
import type { Check } from './model-gate.ts'

/**
 * A candidate may be better over all and yet bad in one region. Every segment is tested, with all tests together wrong with probability `alpha` at most (Holm 1979), so that many segments do not
 * refuse a good candidate by chance.
 */
export const segmentRules = z.strictObject({
  /** Columns whose values are the segments, alone or crossed. */
  by: z.array(z.array(z.string()).min(1)).min(1),
  /** The task's main figure when absent. */
  metric: z.string().optional(),
  direction: z.enum(['higher-is-better', 'lower-is-better']).optional(),
  /** Smaller segments are named as not examined. */
  minCount: z.int().min(2).default(30),
  /** How much a segment may lose against the live version. */
  allowedLoss: z.number().min(0).default(0),
  /** How far a segment may lie behind the whole test set; not looked at when absent. */
  allowedGap: z.number().min(0).optional(),
  alpha: z.number().gt(0).lt(0.5).default(0.05),
})
export type SegmentRules = z.output<typeof segmentRules>

export type SegmentEvidence = {
  readonly slice: string
  readonly count: number
  readonly candidate: number
  readonly live: number | null
  /** The probability of so much loss, or so much behind the whole, by chance alone. */
  readonly lossP: number | null
  readonly gapP: number | null
}

/** Standard normal tail of how far a distance lies beyond what is allowed; nothing beyond it is certain where there is no noise at all. */
export const excessP = (distance: number, allowed: number, error: number): number =>
  error > 0 ? normalTail((distance - allowed) / error) : distance > allowed ? 0 : 1

const figure = (x: number): string => String(Number(x.toFixed(4)))
const chance = (p: number): string => (p < 1e-4 ? 'p < 0.0001' : `p = ${p.toFixed(4)}`)

/** Names each segment that lost more than is allowed, or lies further behind than is allowed, beyond chance. Fails closed where no segment could be examined. */
export function judgeSegments(
  evidence: readonly SegmentEvidence[],
  overall: number,
  metric: string,
  rules: SegmentRules,
  passedOver: number,
): Check[] {
  const result = (slice: string | null, ok: boolean, why: string, one?: SegmentEvidence): Check => ({
    metric,
    slice,
    against: typeof one?.live === 'number' ? 'live' : null,
    candidate: one?.candidate ?? overall,
    other: one?.live ?? null,
    paired: null,
    ok,
    why,
  })
  const by = rules.by.map((columns) => columns.join(' & ')).join(', ')
  if (evidence.length === 0)
    return [
      result(
        null,
        false,
        `no segment by ${by} has ${rules.minCount} test rows: there is no saying whether the candidate is good everywhere`,
      ),
    ]
  const tests = evidence.flatMap((one) => [
    ...(one.lossP === null ? [] : [{ one, p: one.lossP, kind: 'loss' as const }]),
    ...(one.gapP === null ? [] : [{ one, p: one.gapP, kind: 'gap' as const }]),
  ])
  const rejected = holm(
    tests.map(({ p }) => p),
    rules.alpha,
  )
  const bad = tests.flatMap(({ one, p, kind }, i) => {
    if (rejected[i] !== true) return []
    const here = `${metric} of ${one.slice} is ${figure(one.candidate)} (${one.count} rows)`
    const why =
      kind === 'loss'
        ? `${here}, the live version has ${figure(one.live ?? Number.NaN)} there: more than the ${rules.allowedLoss} that a segment may lose (${chance(p)})`
        : `${here}, over all it is ${figure(overall)}: further behind than the ${rules.allowedGap} that is allowed (${chance(p)})`
    return [result(one.slice, false, why, one)]
  })
  if (bad.length > 0) return bad
  const left = passedOver === 0 ? '' : `, ${passedOver} were too small to examine`
  return [
    result(
      null,
      true,
      `${metric} holds in all ${evidence.length} segments by ${by} (${tests.length} tests at ${rules.alpha} in all${left})`,
    ),
  ]
}
