import { analyse } from '../pipeline/components/analyse.ts'
import { evaluate } from '../pipeline/components/evaluate.ts'
import { extract } from '../pipeline/components/extract.ts'
import { prepare } from '../pipeline/components/prepare.ts'
import { register } from '../pipeline/components/register.ts'
import { release } from '../pipeline/components/release.ts'
import { train } from '../pipeline/components/train.ts'
import { validateData } from '../pipeline/components/validate-data.ts'
import { validateModel } from '../pipeline/components/validate-model.ts'
import { param } from '../pipeline/params.ts'
import { definePipeline, step } from '../pipeline/pipeline.ts'

const form = { kind: 'columns', columns: ['date', 'distance', 'origin', 'destination'] }

const recipe = {
  architecture: { kind: 'mlp', hidden: [32] },
  optimizer: { kind: 'adam' },
  epochs: param('epochs'),
  batchSize: 256,
  learningRate: { kind: 'one-cycle', peak: 0.003 },
}

/** Will this flight be late? Learns from all days but the newest, is tested on those, and goes live where it is no worse than what is live on the same flights. */
export const flights = definePipeline({
  name: 'flights',
  description: 'Will this flight be late? US flights of 2001, by airport, day and hour',
  model: 'flights',
  dataset: 'flights',
  params: { epochs: 6, seed: 1, mostLogLoss: 0.6, release: 'canary' },
  steps: {
    extract: step(extract, {
      params: {
        sources: { flights: param('dataset') },
        query: "SELECT *, CASE WHEN delay >= 15 THEN 'late' ELSE 'on time' END AS late FROM flights",
      },
    }),
    analyse: step(analyse, { inputs: { data: 'extract.data' }, params: { form, label: 'late' } }),
    'validate-data': step(validateData, {
      inputs: { statistics: 'analyse.statistics', schema: 'analyse.schema' },
      params: { dataset: param('dataset') },
    }),
    prepare: step(prepare, {
      inputs: { data: 'extract.data' },
      params: {
        form,
        label: 'late',
        method: { by: 'time', column: 'date' },
        fractions: { validation: 0.1, test: 0.2 },
        transforms: [
          { kind: 'date', input: 'date', parts: ['day-of-week', 'hour-of-day'], encoding: 'one-hot' },
          { kind: 'log', input: 'distance' },
          { kind: 'one-hot', input: 'origin', top: 60 },
          { kind: 'one-hot', input: 'destination', top: 60 },
          { kind: 'cross', inputs: ['origin', 'destination'], buckets: 64 },
        ],
        sliceBy: ['origin'],
      },
      after: ['validate-data'],
    }),
    train: step(train, {
      inputs: { train: 'prepare.train', validation: 'prepare.validation', transforms: 'prepare.transforms' },
      params: { recipe },
    }),
    evaluate: step(evaluate, { inputs: { model: 'train.model', test: 'prepare.test', transforms: 'prepare.transforms' } }),
    'validate-model': step(validateModel, {
      inputs: { metrics: 'evaluate.metrics', test: 'prepare.test', transforms: 'prepare.transforms' },
      params: {
        model: param('model'),
        // four of five flights are on time: what tells a useful model is how right its probabilities are
        thresholds: [
          { metric: 'logLoss', upper: param('mostLogLoss') },
          { metric: 'logLoss', change: { direction: 'lower-is-better', atLeast: 0 } },
          { metric: 'accuracy', slice: 'origin=*', minCount: 300, change: { direction: 'higher-is-better', atLeast: -0.03 } },
        ],
      },
    }),
    register: step(register, {
      inputs: {
        model: 'train.model',
        train: 'prepare.train',
        validation: 'prepare.validation',
        test: 'prepare.test',
        transforms: 'prepare.transforms',
        metrics: 'evaluate.metrics',
        blessing: 'validate-model.blessing',
      },
      params: { model: param('model'), dataset: param('dataset') },
    }),
    release: step(release, {
      inputs: { version: 'register.version', blessing: 'validate-model.blessing' },
      params: { model: param('model'), rollout: param('rollout'), mode: param('release') },
    }),
  },
  triggers: {
    demand: { enabled: true, settings: {} },
    // a new day
    'new-data': { enabled: true, settings: { minSpans: 1 } },
    drift: { enabled: false, settings: {} },
    schedule: { enabled: false, settings: { cron: '0 4 * * *', timeZone: 'UTC' } },
  },
})
