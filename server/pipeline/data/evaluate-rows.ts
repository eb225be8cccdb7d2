import { seededRandom } from '../../../shared/core/random.ts'
import { percentileInterval, resampled } from '../../../shared/stats/bootstrap.ts'
import { type CurvePoint, rankRows, rocCurve } from '../../../shared/stats/ranked-curves.ts'
import { reliabilityBins } from '../../../shared/stats/reliability.ts'
import { topOf } from '../../../shared/stats/classification-metrics.ts'
import type { Interval } from '../../../shared/stats/wilson.ts'
import { type Measured, measured, type Subject } from './measured.ts'
import type { MetricsDocument } from './metrics-document.ts'
import { slicesOf } from './slices.ts'

export type EvaluateOptions = Subject & {
  readonly labels: readonly string[]
  readonly by?: readonly (readonly string[])[] | undefined
  readonly minRows: number
  /** Bootstrap samples; 0 for none, and then only accuracy has an interval. */
  readonly resamples: number
  readonly confidence: number
  readonly seed: number
  readonly training?: MetricsDocument['training']
}

/** Classes whose ROC curve is drawn. */
const MAX_CURVES = 12

/** Everything that is measured of a model on one split: overall, by label, by slice, each with intervals. */
export function evaluateRows(options: EvaluateOptions): MetricsDocument {
  const { split, labels, task, resamples, confidence } = options
  const all = measured(
    options,
    Int32Array.from(split.labels, (_, i) => i),
  )
  const { slices, passedOver } = slicesOf(split, options)
  const cut = slices.map(({ name, rows }) => ({ name, of: measured(options, rows) }))
  // a label's own slice knows little but its recall, which is exact
  const drawn = resamples === 0 ? [] : [all, ...cut.filter(({ name }) => !name.startsWith('label=')).map(({ of }) => of)]
  const intervals = bootstrap(drawn, all, options)
  const told = (one: Measured) => ({ count: one.rows, figures: one.figures(), intervals: { ...intervals.get(one), ...one.exact } })
  const detail = all.detail
  return {
    task,
    labels: [...labels],
    ranking: options.ranking === undefined ? null : { group: options.ranking.group, cuts: [...options.ranking.cuts] },
    slicedBy: options.by?.map((columns) => [...columns]) ?? null,
    ...told(all),
    byLabel: (detail?.byLabel ?? []).map((one, i) => ({ label: labels[i] ?? String(i), ...one })),
    confusion: detail?.confusion ?? [],
    ...(task === 'classification' ? curvesOf(options) : { reliability: [], roc: [] }),
    slices: cut.map(({ name, of }) => ({ slice: name, ...told(of) })),
    passedOver: { ...passedOver },
    statement: statementOf(confidence, resamples, cut.length),
    training: options.training ?? null,
  }
}

const statementOf = (confidence: number, resamples: number, slices: number): string =>
  `Intervals hold the true figure with ${confidence * 100} % each, one by one: accuracy by Wilson's score${resamples === 0 ? '' : `, all others by ${resamples} bootstrap samples`}. ` +
  (slices < 2
    ? ''
    : `Among ${slices} slices about ${Math.max(1, Math.round(slices * (1 - confidence)))} can be expected to lie outside by chance; the gate corrects for that (Holm).`)

/** Percentile intervals from the same samples for all: of rows, or of whole queries, as rows of one query are not independent. */
function bootstrap(
  drawn: readonly Measured[],
  all: Measured,
  { resamples, confidence, seed }: EvaluateOptions,
): Map<Measured, Record<string, Interval>> {
  const random = seededRandom(seed)
  const values = new Map<Measured, Map<string, number[]>>(drawn.map((one) => [one, new Map()]))
  const units = Math.max(0, ...all.units) + 1
  for (let i = 0; i < resamples; i++) {
    const weights = resampled(units, random)
    for (const [one, byName] of values) {
      const figures = one.figures(
        one === all && one.units.length === units ? weights : Uint16Array.from(one.units, (unit) => weights[unit] as number),
      )
      for (const [name, value] of Object.entries(figures)) {
        const list = byName.get(name)
        if (list === undefined) byName.set(name, [value])
        else list.push(value)
      }
    }
  }
  return new Map(
    [...values].map(([one, byName]) => [
      one,
      Object.fromEntries([...byName].map(([name, list]) => [name, percentileInterval(list, confidence)])),
    ]),
  )
}

function curvesOf({
  answers: { values, width },
  split: { labels },
  labels: names,
}: EvaluateOptions): Pick<MetricsDocument, 'reliability' | 'roc'> {
  const rows = { probabilities: values, classes: width, labels }
  const top = Int32Array.from(labels, (_, i) => topOf(rows, i))
  const classes = width === 2 ? [1] : Array.from({ length: Math.min(width, MAX_CURVES) }, (_, c) => c)
  const points = (c: number): CurvePoint[] =>
    rocCurve(
      rankRows(
        labels.length,
        (i) => values[i * width + c] as number,
        (i) => labels[i] === c,
      ),
    )
  return {
    reliability: reliabilityBins(rows, top),
    roc: classes.map((c) => ({ label: names[c] ?? String(c), points: points(c).map(([x, y]): [number, number] => [round(x), round(y)]) })),
  }
}

/** Enough for a drawing. */
const round = (x: number): number => Math.round(x * 1e4) / 1e4
