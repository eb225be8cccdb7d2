import { seededRandom } from '../../../shared/core/random.ts'
import { percentileInterval, resampled } from '../../../shared/stats/bootstrap.ts'
import { topOf } from '../../../shared/stats/classification-metrics.ts'
import { mcnemar } from '../../../shared/stats/paired-test.ts'
import type { PairedGain } from '../model-gate.ts'
import { measured, type Subject } from './measured.ts'

/** Two models on the same rows. */
export type Pair = { readonly candidate: Subject; readonly other: Subject; readonly rows: Int32Array }
export type PairOptions = { readonly metric: string; readonly higher: boolean; readonly resamples: number; readonly seed: number }

/** Rows that one of two classifiers alone answered right. */
export function discordant({ candidate, other, rows }: Pair): { onlyCandidate: number; onlyOther: number } {
  const right = ({ answers: { values, width }, split }: Subject, row: number) =>
    topOf({ probabilities: values, classes: width }, row) === split.labels[row]
  let [onlyCandidate, onlyOther] = [0, 0]
  for (const row of rows) {
    const [mine, theirs] = [right(candidate, row), right(other, row)]
    if (mine && !theirs) onlyCandidate++
    if (theirs && !mine) onlyOther++
  }
  return { onlyCandidate, onlyOther }
}

/** The gains over resampled rows: both models meet the same sample each time, so that what is easy for both cancels out. */
export function pairedGains({ candidate, other, rows }: Pair, { metric, higher, resamples, seed }: PairOptions): number[] {
  const [mine, theirs] = [measured(candidate, rows), measured(other, rows)]
  const random = seededRandom(seed)
  const gains: number[] = []
  for (let i = 0; i < resamples; i++) {
    const weights = resampled(mine.units.length, random)
    const gain = (mine.figures(weights)[metric] ?? Number.NaN) - (theirs.figures(weights)[metric] ?? Number.NaN)
    if (Number.isFinite(gain)) gains.push(higher ? gain : -gain)
  }
  return gains
}

/** A gain with its paired bootstrap interval; for accuracy McNemar's exact test stands beside it. Undefined where the figure could not be measured. */
export function pairedGain(pair: Pair, options: PairOptions & { readonly confidence: number }): PairedGain | undefined {
  const gains = pairedGains(pair, options)
  if (gains.length < options.resamples / 2) return undefined
  const interval = percentileInterval(gains, options.confidence)
  if (options.metric !== 'accuracy' || pair.candidate.task !== 'classification') return interval
  const counts = discordant(pair)
  return { ...interval, mcnemar: { ...counts, p: mcnemar(counts.onlyCandidate, counts.onlyOther) } }
}

/** Its spread: the standard error of a figure, or of a gain. */
export function deviation(values: readonly number[]): number {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length
  return Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / Math.max(1, values.length - 1))
}
