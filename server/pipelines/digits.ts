import type { DatasetSchema } from '../../shared/data/schema.ts'
import { analyse } from '../pipeline/components/analyse.ts'
import { evaluate } from '../pipeline/components/evaluate.ts'
import { extract } from '../pipeline/components/extract.ts'
import { prepare } from '../pipeline/components/prepare.ts'
import { register } from '../pipeline/components/register.ts'
import { release } from '../pipeline/components/release.ts'
import { train } from '../pipeline/components/train.ts'
import { validateData } from '../pipeline/components/validate-data.ts'
import { validateModel } from '../pipeline/components/validate-model.ts'
import { validateRuntime } from '../pipeline/components/validate-runtime.ts'
import { choice, param } from '../pipeline/params.ts'
import { definePipeline, step } from '../pipeline/pipeline.ts'

const form = { kind: 'image', column: 'pixels', height: 28, width: 28, channels: 1 } as const

/** Strides instead of pooling: a quarter of the work, and as right with a little augmentation. */
const architecture = {
  kind: 'cnn',
  blocks: [
    { filters: 16, kernel: 5, stride: 2 },
    { filters: 32, kernel: 3, stride: 2 },
  ],
  hidden: [64],
} as const
const first = {
  architecture,
  optimizer: { kind: 'adam' },
  epochs: 4,
  batchSize: 128,
  learningRate: { kind: 'one-cycle', peak: 0.006, warmup: 0.2 },
  augment: { degrees: 8, shift: 1, zoom: 0.08 },
} as const
const small = { ...first, batchSize: 32, learningRate: { kind: 'one-cycle', peak: 0.004 } } as const
/** What people shared makes up half of each epoch: enough to learn the new world from some hundred examples, while the old one is not forgotten. */
const again = {
  ...first,
  epochs: 4,
  rows: 20_000,
  learningRate: { kind: 'one-cycle', peak: 0.005 },
  augment: { degrees: 12, shift: 2, zoom: 0.1 },
  balance: { column: 'source', shares: { shared: 0.5 } },
} as const
const smallAgain = { ...again, rows: 4000, batchSize: 32, learningRate: { kind: 'one-cycle', peak: 0.003 } } as const

const LABELS = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']
const always = { minFraction: 1, minCount: 1 }

/** What rows of the data set must look like, whether they come with MNIST or from people. */
export const digitsSchema: DatasetSchema = {
  environments: ['TRAINING', 'SERVING'],
  label: 'label',
  examples: { min: 1000 },
  features: [
    { name: 'id', type: 'string', presence: always },
    { name: 'split', type: 'string', domain: { kind: 'values', values: ['train', 'test'], minMass: 1 }, environments: ['TRAINING'] },
    { name: 'source', type: 'string', presence: always, environments: ['TRAINING'] },
    { name: 'label', type: 'string', presence: always, domain: { kind: 'values', values: LABELS, minMass: 1 }, environments: ['TRAINING'] },
    { name: 'pixels', type: 'image', presence: always, domain: { kind: 'image', height: 28, width: 28, channels: 1 } },
    {
      name: 'captured',
      type: 'int',
      presence: always,
      domain: { kind: 'range', min: 0, disallowNan: true, disallowInf: true },
      environments: ['TRAINING'],
    },
  ],
}

/** Handwritten digits, 28x28 grey. `retrain` goes on from the live version with the examples that people have shared; `small` is for trying things out. */
export const digits = definePipeline({
  name: 'digits',
  description: 'Handwritten digits: MNIST, and what people share from the app',
  model: 'digits',
  dataset: 'digits',
  /** `browser`: whether the candidate must answer in one (`required`, `if-present`, `off`). */
  params: { retrain: false, small: false, seed: 1, leastAccuracy: 0.97, browser: 'if-present' },
  steps: {
    extract: step(extract, {
      params: {
        sources: { digits: param('dataset') },
        query: choice('small', {
          true: "SELECT * FROM digits WHERE source <> 'mnist' OR (split = 'train' AND md5(id) < '0d') OR (split = 'test' AND md5(id) < '1a')",
          false: 'SELECT * FROM digits',
        }),
        collect: choice('retrain', { true: { dataset: param('dataset'), model: param('model') }, false: null }),
      },
    }),
    analyse: step(analyse, { inputs: { data: 'extract.data' }, params: { form, label: 'label' } }),
    'validate-data': step(validateData, {
      inputs: { statistics: 'analyse.statistics', schema: 'analyse.schema' },
      params: { dataset: param('dataset') },
    }),
    prepare: step(prepare, {
      inputs: { data: 'extract.data' },
      params: { form, label: 'label', sliceBy: ['source'], fractions: { validation: 0.05, test: 0.2 } },
      after: ['validate-data'],
    }),
    train: step(train, {
      inputs: { train: 'prepare.train', validation: 'prepare.validation', transforms: 'prepare.transforms' },
      params: {
        recipe: choice('retrain', {
          true: choice('small', { true: smallAgain, false: again }),
          false: choice('small', { true: small, false: first }),
        }),
        warmStart: choice('retrain', { true: { model: param('model') }, false: null }),
        threads: choice('small', { true: 1, false: 2 }),
      },
    }),
    evaluate: step(evaluate, {
      inputs: { model: 'train.model', test: 'prepare.test', transforms: 'prepare.transforms', train: 'prepare.train' },
    }),
    'validate-model': step(validateModel, {
      inputs: { metrics: 'evaluate.metrics', test: 'prepare.test', transforms: 'prepare.transforms', model: 'train.model' },
      params: {
        model: param('model'),
        thresholds: [
          { metric: 'accuracy', slice: 'source=mnist', lower: param('leastAccuracy') },
          { metric: 'accuracy', change: { direction: 'higher-is-better', atLeast: -0.002 } },
          // neither the world that was nor the one that comes may lose a point
          { metric: 'accuracy', slice: 'source=*', minCount: 30, change: { direction: 'higher-is-better', atLeast: -0.01 } },
          { metric: 'accuracy', slice: 'label=*', minCount: 50, change: { direction: 'higher-is-better', atLeast: -0.03 } },
        ],
      },
    }),
    // beside validate-model: both have to bless
    'validate-runtime': step(validateRuntime, {
      inputs: { model: 'train.model', examples: 'prepare.test', transforms: 'prepare.transforms' },
      params: { browser: param('browser'), timeoutMs: 30_000, budget: { answerMs: 1000, modelBytes: 2_000_000, memoryBytes: 64_000_000 } },
      after: ['evaluate'],
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
        runtime: 'validate-runtime.runtime',
      },
      params: {
        model: param('model'),
        dataset: param('dataset'),
        population: choice('retrain', { true: { column: 'source', value: 'shared' }, false: null }),
      },
    }),
    release: step(release, {
      inputs: { version: 'register.version', blessing: 'validate-model.blessing' },
      params: { model: param('model'), rollout: param('rollout') },
    }),
  },
  triggers: {
    demand: { enabled: true, settings: {} },
    drift: { enabled: true, settings: { minExamples: 600, cooldownMs: 60_000, params: { retrain: true } } },
    degradation: { enabled: true, settings: { minExamples: 600, cooldownMs: 60_000, params: { retrain: true } } },
    'new-data': { enabled: false, settings: { minExamples: 5000, params: { retrain: true } } },
    schedule: { enabled: false, settings: { cron: '0 3 * * 1', timeZone: 'UTC', params: { retrain: true } } },
  },
})
