import { must } from '../../shared/core/assert.ts'
import { evaluate } from '../pipeline/components/evaluate.ts'
import { extract } from '../pipeline/components/extract.ts'
import { federate } from '../pipeline/components/federate.ts'
import { register } from '../pipeline/components/register.ts'
import { validateModel } from '../pipeline/components/validate-model.ts'
import { param } from '../pipeline/params.ts'
import { definePipeline, step } from '../pipeline/pipeline.ts'
import { digits } from './digits.ts'

/** As in `digits`: on the same rows their results come from the cache. */
const { analyse, 'validate-data': validateData, prepare, release } = digits.steps

/**
 * Handwritten digits, learnt where they are drawn: a round on the devices whose people agreed to training, from the live version on. The data set only tests what came
 * of it: MNIST, and what people shared.
 */
export const digitsFederated = definePipeline({
  name: 'digits-federated',
  description: 'Handwritten digits: a round of training on the devices, from the live version on',
  model: digits.model,
  dataset: digits.dataset,
  params: {
    small: false,
    seed: 1,
    leastAccuracy: 0.97,
    wanted: 50,
    minimum: 10,
    durationMs: 60 * 60 * 1000,
    epochs: 2,
    learningRate: 0.02,
    clipNorm: 1,
    // SGD on some dozens of digits moves a good version by little, up or down: worse than this and the round was no use
    leastGain: -0.002,
  },
  steps: {
    extract: step(extract, {
      params: {
        sources: { digits: param('dataset') },
        query: must(digits.steps['extract']?.params['query'], 'the query of digits'),
        collect: { dataset: param('dataset'), model: param('model') },
      },
    }),
    analyse: must(analyse, 'analyse'),
    'validate-data': must(validateData, 'validate-data'),
    prepare: must(prepare, 'prepare'),
    // data that cannot test the result would be found out too late otherwise
    federate: step(federate, {
      params: {
        model: param('model'),
        plan: { epochs: param('epochs'), learningRate: param('learningRate'), clipNorm: param('clipNorm') },
        wanted: param('wanted'),
        minimum: param('minimum'),
        durationMs: param('durationMs'),
        sliceBy: ['source'],
      },
      after: ['prepare'],
    }),
    evaluate: step(evaluate, { inputs: { model: 'federate.model', test: 'prepare.test', transforms: 'federate.transforms' } }),
    'validate-model': step(validateModel, {
      inputs: { metrics: 'evaluate.metrics', test: 'prepare.test', transforms: 'federate.transforms' },
      params: {
        model: param('model'),
        thresholds: [
          { metric: 'accuracy', slice: 'source=mnist', lower: param('leastAccuracy') },
          { metric: 'accuracy', change: { direction: 'higher-is-better', atLeast: param('leastGain') } },
          { metric: 'accuracy', slice: 'source=*', minCount: 30, change: { direction: 'higher-is-better', atLeast: -0.01 } },
          { metric: 'accuracy', slice: 'label=*', minCount: 50, change: { direction: 'higher-is-better', atLeast: -0.03 } },
        ],
      },
    }),
    register: step(register, {
      inputs: {
        model: 'federate.model',
        train: 'prepare.train',
        validation: 'prepare.validation',
        test: 'prepare.test',
        transforms: 'federate.transforms',
        metrics: 'evaluate.metrics',
        blessing: 'validate-model.blessing',
      },
      params: { model: param('model'), dataset: param('dataset'), population: { column: 'source', value: 'shared' } },
    }),
    release: must(release, 'release'),
  },
  triggers: { demand: { enabled: true, settings: {} } },
})
