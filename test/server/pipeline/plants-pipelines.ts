import { analyse } from '../../../server/pipeline/components/analyse.ts'
import { evaluate } from '../../../server/pipeline/components/evaluate.ts'
import { extract } from '../../../server/pipeline/components/extract.ts'
import { federate } from '../../../server/pipeline/components/federate.ts'
import { prepare } from '../../../server/pipeline/components/prepare.ts'
import { register } from '../../../server/pipeline/components/register.ts'
import { train } from '../../../server/pipeline/components/train.ts'
import { tune } from '../../../server/pipeline/components/tune.ts'
import { validateData } from '../../../server/pipeline/components/validate-data.ts'
import { validateRuntime } from '../../../server/pipeline/components/validate-runtime.ts'
import { validateModel } from '../../../server/pipeline/components/validate-model.ts'
import { param } from '../../../server/pipeline/params.ts'
import { definePipeline, step } from '../../../server/pipeline/pipeline.ts'

const form = { kind: 'columns', columns: ['width', 'height', 'colour'] }
const recipe = {
  architecture: { kind: 'mlp', hidden: [8] },
  optimizer: { kind: 'adam' },
  epochs: 6,
  batchSize: 16,
  learningRate: { kind: 'constant', rate: 0.02 },
}

/** Tabular data out of two sources: measurements joined with what the plants are. */
export const plants = definePipeline({
  name: 'plants',
  description: '',
  model: 'plants',
  dataset: 'measurements',
  params: { rate: 0.02, seed: 1 },
  steps: {
    extract: step(extract, {
      params: {
        sources: { measured: 'measurements', named: 'plants' },
        query: 'SELECT m.id, m.width, m.height, m.colour, n.kind, m.site, m._span FROM measured m JOIN named n USING (id) ORDER BY m.id',
      },
    }),
    analyse: step(analyse, { inputs: { data: 'extract.data' }, params: { form, label: 'kind' } }),
    'validate-data': step(validateData, {
      inputs: { statistics: 'analyse.statistics', schema: 'analyse.schema' },
      params: { dataset: param('dataset') },
    }),
    prepare: step(prepare, {
      inputs: { data: 'extract.data' },
      params: { form, label: 'kind', sliceBy: ['site'] },
      after: ['validate-data'],
    }),
    tune: step(tune, {
      inputs: { train: 'prepare.train', validation: 'prepare.validation', transforms: 'prepare.transforms' },
      params: {
        recipe,
        trials: 3,
        rows: 200,
        space: {
          learningRate: [
            { kind: 'constant', rate: 0.00001 },
            { kind: 'constant', rate: param('rate') },
          ],
        },
      },
    }),
    train: step(train, {
      inputs: { train: 'prepare.train', validation: 'prepare.validation', transforms: 'prepare.transforms', trials: 'tune.trials' },
      params: { recipe },
    }),
    evaluate: step(evaluate, {
      inputs: { model: 'train.model', test: 'prepare.test', transforms: 'prepare.transforms', train: 'prepare.train' },
    }),
    'validate-model': step(validateModel, {
      inputs: {
        metrics: 'evaluate.metrics',
        test: 'prepare.test',
        transforms: 'prepare.transforms',
        model: 'train.model',
        train: 'prepare.train',
      },
      params: {
        model: param('model'),
        thresholds: [
          { metric: 'accuracy', lower: 0.8 },
          { metric: 'accuracy', slice: 'site=*', lower: 0.7 },
          { metric: 'accuracy', change: { direction: 'higher-is-better', atLeast: 0.1, against: 'majority', confidence: 0.95 } },
          { metric: 'accuracy', change: { direction: 'higher-is-better', atLeast: -0.2, against: 'linear' } },
        ],
        rivals: { majority: { kind: 'constant' }, linear: { kind: 'linear' } },
        segments: { by: [['site']], allowedGap: 0.2 },
      },
    }),
    'validate-runtime': step(validateRuntime, {
      inputs: { model: 'train.model', examples: 'prepare.validation', transforms: 'prepare.transforms' },
      // the browser has tests of its own (validate-runtime.test.ts)
      params: { browser: 'off', budget: { answerMs: 5000, modelBytes: 10_000 } },
    }),
    register: step(register, {
      inputs: {
        model: 'train.model',
        train: 'prepare.train',
        validation: 'prepare.validation',
        transforms: 'prepare.transforms',
        metrics: 'evaluate.metrics',
        blessing: 'validate-model.blessing',
        runtime: 'validate-runtime.runtime',
      },
      params: { model: param('model'), dataset: param('dataset') },
    }),
  },
})

/** The same, for devices that nobody has. */
const { register: _, ...unregistered } = plants.steps
export const tight = definePipeline({
  ...plants,
  name: 'tight',
  steps: {
    ...unregistered,
    'validate-runtime': step(validateRuntime, {
      inputs: { model: 'train.model', examples: 'prepare.validation', transforms: 'prepare.transforms' },
      params: { browser: 'off', budget: { modelBytes: 10 } },
    }),
  },
})

/** Where a browser is installed that cannot run. */
export const blind = definePipeline({
  ...plants,
  name: 'blind',
  params: { ...plants.params, browser: 'if-present' },
  steps: {
    ...unregistered,
    'validate-runtime': step(validateRuntime, {
      inputs: { model: 'train.model', examples: 'prepare.validation', transforms: 'prepare.transforms' },
      params: { browser: param('browser'), chromium: '/bin/false', timeoutMs: 20_000 },
    }),
  },
})

/** Training where the data is. */
export const garden = definePipeline({
  name: 'garden',
  description: '',
  model: 'plants',
  dataset: 'measurements',
  steps: {
    federate: step(federate, { params: { model: param('model'), wanted: 2, minimum: 2, durationMs: 60_000, plan: { clipNorm: 10 } } }),
  },
})
