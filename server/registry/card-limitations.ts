import type { ModelCard } from '../../shared/contract/model-card.ts'
import { figure } from '../analysis/figures.ts'

/** Slices told of by name. */
const MOST = 5
/** Rows below which a figure is a rough one. */
const FEW_ROWS = 200
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`

/** What a card's own figures warn of: slices that lie clearly below the whole, groups that were not measured, a model that learnt by heart, parts that nobody recorded. */
export function limitationsOf(
  { evaluation, validation, runtime, training, promised }: Omit<ModelCard, 'limitations'>,
  passedOver: Readonly<Record<string, number>>,
): string[] {
  const told: string[] = []
  if (evaluation === null) told.push('No evaluation was recorded: nothing is known of how good it is.')
  else {
    const overall = evaluation.figures['accuracy']
    const below = evaluation.slices
      .filter(
        ({ slice, intervals }) => !slice.startsWith('label=') && overall !== undefined && (intervals['accuracy']?.high ?? 1) < overall,
      )
      .sort((a, b) => (a.figures['accuracy'] ?? 0) - (b.figures['accuracy'] ?? 0))
    for (const { slice, figures, count } of below.slice(0, MOST))
      told.push(
        `On ${slice} it is right in ${percent(figures['accuracy'] ?? 0)} of ${count} test rows, over all in ${percent(overall ?? 0)}.`,
      )
    if (below.length > MOST) told.push(`So it is on ${below.length - MOST} more slices.`)
    for (const [kind, count] of Object.entries(passedOver)) told.push(`${count} slices by ${kind} had too few rows to be measured.`)
    if (evaluation.count < FEW_ROWS) told.push(`It was tested on ${evaluation.count} rows only: see the intervals.`)
    const learnt = evaluation.training?.figures['accuracy']
    if (learnt !== undefined && overall !== undefined && learnt - overall > 0.05)
      told.push(`It is right in ${percent(learnt)} of the rows that it was trained on: part of that was learnt by heart.`)
    const calibration = evaluation.figures['calibrationError']
    if (calibration !== undefined && calibration > 0.05) told.push(`Its confidence is off by ${percent(calibration)} on average.`)
  }
  if (validation === null) told.push('No validation was recorded: nobody held it against thresholds or another model.')
  if (runtime === null) told.push('No check of its runtime was recorded: it has not been run in a browser before its release.')
  if (training === null) told.push('It was not made by a pipeline here: its data is not known.')
  told.push(
    `Devices leave it when it is wrong ${promised.errorBound === undefined ? '' : `by more than ${figure(promised.errorBound)} `}more often than in ${percent(promised.errorRate)} of answers, or slower than ${promised.latencyCeilingMs} ms.`,
  )
  return told
}
