import * as z from 'zod'
import { defineComponent } from '../component.ts'
import { answersOf } from '../data/evaluate-model.ts'
import { evaluateRows } from '../data/evaluate-rows.ts'
import { evaluationReport } from '../data/evaluation-report.ts'
import { answersWithNumber, preparation } from '../data/example-form.ts'
import { measured } from '../data/measured.ts'
import { figuresOf, mainFigure } from '../data/metrics-document.ts'
import { readModel } from '../data/model-file.ts'
import { loadSplit } from '../data/split-examples.ts'

const params = z.strictObject({
  /** Columns to slice by, alone or crossed: [['region'], ['region', 'weekday']]. Each of the prepare step's `sliceBy` alone when absent. */
  slices: z.array(z.array(z.string()).min(1)).optional(),
  /** Slices with fewer rows are passed over. */
  minSliceRows: z.int().min(1).default(10),
  /** Bootstrap samples for the intervals; 0 for none. */
  resamples: z.int().min(0).max(10_000).default(200),
  confidence: z.number().min(0.5).max(0.999).default(0.95),
  /** Rows of the training split to be measured too, where it is wired. */
  trainingRows: z.int().min(1).default(5000),
  /** Ranks the rows of each group by what the model answers (the number, or the probability of the last label); the label is then the relevance. */
  ranking: z
    .strictObject({ group: z.string(), cuts: z.array(z.int().min(1)).min(1).default([5, 10]) })
    .nullable()
    .default(null),
})

/** Measures a model on the test split, which no other training step sees. */
export const evaluate = defineComponent({
  name: 'evaluate',
  version: '2',
  module: import.meta.url,
  inputs: { model: 'model', test: 'split', transforms: 'transforms', train: 'split?' },
  outputs: { metrics: 'metrics', report: 'report' },
  params,
  async run({ inputs, params: given, seed, signal, blobs, folder, log, progress }) {
    const prepared = await inputs.transforms.json(preparation)
    const { labels } = prepared
    const test = await loadSplit(inputs.test.path, prepared, folder)
    if (test.unknown > 0) log.warn(`${test.unknown} test rows have a label that the training split lacks: they are left out`)
    progress(0, 3, `${test.labels.length} test rows`)
    const model = await readModel(inputs.model.path)
    const task = given.ranking !== null ? 'ranking' : answersWithNumber(prepared) ? 'regression' : 'classification'
    const ranking = given.ranking ?? undefined
    const answers = await answersOf(model, test, prepared, signal)
    progress(1, 3, 'training rows')
    let training = null
    if (inputs.train !== undefined) {
      const split = await loadSplit(inputs.train.path, prepared, folder, { rows: given.trainingRows })
      const learnt = { task, answers: await answersOf(model, split, prepared, signal), split, ranking } as const
      training = {
        count: split.labels.length,
        figures: measured(
          learnt,
          Int32Array.from(split.labels, (_, i) => i),
        ).figures(),
      }
    }
    progress(2, 3, 'intervals')
    const { minSliceRows: minRows, slices: by, resamples, confidence } = given
    const metrics = evaluateRows({ task, answers, split: test, ranking, labels, by, minRows, resamples, confidence, seed, training })
    const told = (name: string, at: Pick<typeof metrics, 'figures' | 'intervals'>): string => {
      const interval = at.intervals[name]
      return `${name} ${at.figures[name]?.toFixed(4) ?? 'unknown'}${interval === undefined ? '' : ` (${confidence * 100} %: ${interval.low.toFixed(4)} to ${interval.high.toFixed(4)})`}`
    }
    const { name } = mainFigure(task)
    log.info(
      `${told(name, metrics)} on ${metrics.count} test rows${training === null ? '' : `, ${training.figures[name]?.toFixed(4)} on training rows`}`,
    )
    for (const slice of metrics.slices) log.info(`${slice.slice}: ${told(name, slice)} of ${slice.count}`)
    const passed = Object.entries(metrics.passedOver)
    if (passed.length > 0) log.info(`too small or too many to measure: ${passed.map(([kind, n]) => `${n} slices by ${kind}`).join(', ')}`)
    return {
      outputs: {
        metrics: await blobs.json(metrics, { properties: figuresOf(metrics) }),
        report: await blobs.bytes(new TextEncoder().encode(evaluationReport(metrics)), {
          name: 'evaluation.html',
          properties: { type: 'text/html' },
        }),
      },
    }
  },
})
