import * as z from 'zod'
import type { JsonObject } from '../../../shared/core/json.ts'

const interval = z.strictObject({ low: z.number(), high: z.number() })
const measured = {
  count: z.int(),
  /** By name: accuracy, logLoss, rocAuc ...; mae, rmse ...; ndcg@10, map, mrr. */
  figures: z.record(z.string(), z.number()),
  intervals: z.record(z.string(), interval),
}

/** What the `metrics` artifact holds: a model measured on the test split. */
export const metricsDocument = z.strictObject({
  task: z.enum(['classification', 'regression', 'ranking']),
  labels: z.array(z.string()),
  ranking: z.strictObject({ group: z.string(), cuts: z.array(z.int()) }).nullable(),
  /** Which columns were sliced by, alone or crossed; each of the split's alone when null. */
  slicedBy: z.array(z.array(z.string())).nullable(),
  ...measured,
  byLabel: z.array(
    z.strictObject({
      label: z.string(),
      count: z.int(),
      precision: z.number(),
      recall: z.number(),
      f1: z.number(),
      rocAuc: z.number().nullable(),
      prAuc: z.number().nullable(),
    }),
  ),
  /** `confusion[true][answered]` counts. */
  confusion: z.array(z.array(z.int())),
  reliability: z.array(z.strictObject({ low: z.number(), high: z.number(), count: z.int(), confidence: z.number(), accuracy: z.number() })),
  /** One label against the rest: false positive rate, true positive rate. */
  roc: z.array(z.strictObject({ label: z.string(), points: z.array(z.tuple([z.number(), z.number()])) })),
  slices: z.array(z.strictObject({ slice: z.string(), ...measured })),
  /** Slices that were too small or too many to measure, by columns. */
  passedOver: z.record(z.string(), z.int()),
  /** What the intervals mean. */
  statement: z.string(),
  /** The same figures on rows that it was trained on: far better ones than above mean that it learnt them by heart. */
  training: z.strictObject({ count: z.int(), figures: z.record(z.string(), z.number()) }).nullable(),
})
export type MetricsDocument = z.output<typeof metricsDocument>

/** The figure by which a task is told in one word, and whether more of it is better. */
export const mainFigure = (task: MetricsDocument['task']): { readonly name: string; readonly higher: boolean } =>
  task === 'classification'
    ? { name: 'accuracy', higher: true }
    : task === 'regression'
      ? { name: 'mae', higher: false }
      : { name: 'map', higher: true }

/** The figures that stand beside a run and a version: overall, on training rows, and the main one of slices by source and other columns. */
export function figuresOf({ task, figures, count, slices, training }: MetricsDocument): JsonObject & Record<string, number> {
  const { name: main } = mainFigure(task)
  const sliced = slices.flatMap(({ slice, figures: mine }) =>
    slice.startsWith('label=') || mine[main] === undefined ? [] : [[`${main} ${slice}`, mine[main]] as const],
  )
  const learnt = training?.figures[main] === undefined ? {} : { [`training ${main}`]: training.figures[main] }
  return { ...figures, testExamples: count, ...learnt, ...Object.fromEntries(sliced) }
}
