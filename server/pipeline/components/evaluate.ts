import * as z from 'zod'
import { defineComponent } from '../component.ts'
import { evaluateModel } from '../data/evaluate-model.ts'
import { preparation } from '../data/example-form.ts'
import { figuresOf, metricsOf } from '../data/metrics-document.ts'
import { readModel } from '../data/model-file.ts'
import { loadSplit } from '../data/split-examples.ts'

/** Measures a model on the test split, which no other training step sees. */
export const evaluate = defineComponent({
  name: 'evaluate',
  version: '1',
  module: import.meta.url,
  inputs: { model: 'model', test: 'split', transforms: 'transforms' },
  outputs: { metrics: 'metrics' },
  params: z.strictObject({}),
  async run({ inputs, signal, blobs, folder, log, progress }) {
    const prepared = await inputs.transforms.json(preparation)
    const test = await loadSplit(inputs.test.path, prepared, folder)
    if (test.unknown > 0) log.warn(`${test.unknown} test rows have a label that the training split lacks: they are left out`)
    progress(0, 1, `${test.labels.length} test rows`)
    const { evaluation } = await evaluateModel(await readModel(inputs.model.path), test, prepared, signal)
    const metrics = metricsOf(evaluation, prepared.labels)
    log.info(
      `accuracy ${metrics.accuracy.toFixed(4)} (95 % ${metrics.interval.low.toFixed(4)} to ${metrics.interval.high.toFixed(4)}) on ${metrics.count} test rows`,
    )
    for (const { slice, accuracy, count } of metrics.slices) log.info(`${slice}: ${accuracy.toFixed(4)} of ${count}`)
    return { outputs: { metrics: await blobs.json(metrics, { properties: figuresOf(metrics) }) } }
  },
})
