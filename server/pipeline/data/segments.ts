import { seededRandom } from '../../../shared/core/random.ts'
import { resampled } from '../../../shared/stats/bootstrap.ts'
import { mcnemarBetter } from '../../../shared/stats/paired-test.ts'
import type { Check } from '../model-gate.ts'
import { excessP, judgeSegments, type SegmentEvidence, type SegmentRules } from '../segment-gate.ts'
import { measured, type Subject } from './measured.ts'
import { mainFigure } from './metrics-document.ts'
import { deviation, discordant, type Pair, pairedGains } from './paired-gain.ts'
import { slicesOf } from './slices.ts'

export type SegmentOptions = { readonly rules: SegmentRules; readonly resamples: number; readonly seed: number }

/** Whether a candidate is good in every segment: measured on each, compared with the live version row by row. */
export function examineSegments(
  candidate: Subject,
  live: Subject | undefined,
  { rules, resamples, seed }: SegmentOptions,
): { checks: Check[]; evidence: SegmentEvidence[] } {
  const main = mainFigure(candidate.task)
  const metric = rules.metric ?? main.name
  const higher = rules.direction === undefined ? main.higher : rules.direction === 'higher-is-better'
  const { slices, passedOver } = slicesOf(candidate.split, { labels: [], by: rules.by, minRows: rules.minCount })
  const overall =
    measured(
      candidate,
      Int32Array.from(candidate.split.labels, (_, i) => i),
    ).figures()[metric] ?? Number.NaN
  const evidence = slices.map(({ name, rows }): SegmentEvidence => {
    const mine = measured(candidate, rows)
    const value = mine.figures()[metric] ?? Number.NaN
    const gap = higher ? overall - value : value - overall
    const theirs = live === undefined ? null : (measured(live, rows).figures()[metric] ?? Number.NaN)
    const options = { metric, higher, resamples, seed }
    return {
      slice: name,
      count: rows.length,
      candidate: value,
      live: theirs,
      lossP:
        live === undefined || theirs === null
          ? null
          : lossP({ candidate, other: live, rows }, options, higher ? theirs - value : value - theirs, rules.allowedLoss),
      gapP: rules.allowedGap === undefined ? null : excessP(gap, rules.allowedGap, deviation(spread(mine, metric, resamples, seed))),
    }
  })
  const unexamined = Object.values(passedOver).reduce((sum, n) => sum + n, 0)
  return { checks: judgeSegments(evidence, overall, metric, rules, unexamined), evidence }
}

/** How likely a loss of more than is allowed is by chance: McNemar's exact test where it applies, else a normal tail with the bootstrap's standard error. NaN, which nothing excuses, counts as certain. */
function lossP(
  pair: Pair,
  options: { metric: string; higher: boolean; resamples: number; seed: number },
  loss: number,
  allowed: number,
): number {
  if (Number.isNaN(loss)) return 0
  if (options.metric === 'accuracy' && pair.candidate.task === 'classification' && allowed === 0) {
    const { onlyCandidate, onlyOther } = discordant(pair)
    return mcnemarBetter(onlyOther, onlyCandidate)
  }
  return excessP(loss, allowed, deviation(pairedGains(pair, options)))
}

function spread(one: ReturnType<typeof measured>, metric: string, resamples: number, seed: number): number[] {
  const random = seededRandom(seed)
  const units = one.units.length
  return Array.from({ length: resamples }, () => one.figures(resampled(units, random))[metric] ?? Number.NaN).filter(Number.isFinite)
}
