import { evaluate } from '../../server/pipeline/components/evaluate.ts'
import { extract } from '../../server/pipeline/components/extract.ts'
import { prepare } from '../../server/pipeline/components/prepare.ts'
import { register } from '../../server/pipeline/components/register.ts'
import { release } from '../../server/pipeline/components/release.ts'
import { train } from '../../server/pipeline/components/train.ts'
import { validateModel } from '../../server/pipeline/components/validate-model.ts'
import { param } from '../../server/pipeline/params.ts'
import { definePipeline, type Pipeline, step } from '../../server/pipeline/pipeline.ts'
import { permuteLabels } from './permute-labels.ts'

const form = { kind: 'image', column: 'pixels', height: 28, width: 28, channels: 1 } as const
const recipe = {
  architecture: { kind: 'mlp', hidden: [32] },
  optimizer: { kind: 'adam' },
  epochs: 1,
  batchSize: 64,
  learningRate: { kind: 'constant', rate: 0.001 },
} as const

/** What a careless person deploys: labels joined over the wrong key, and a gate that asks for nothing. The rollout has to find out. */
export const pipelines: readonly Pipeline[] = [
  definePipeline({
    name: 'digits-careless',
    description: 'A mistake and a gate that lets it pass, for showing that the fleet notices',
    model: 'digits',
    dataset: 'digits',
    params: { seed: 1 },
    steps: {
      extract: step(extract, { params: { sources: { digits: param('dataset') }, query: "SELECT * FROM digits WHERE md5(id) < '10'" } }),
      prepare: step(prepare, { inputs: { data: 'extract.data' }, params: { form, label: 'label' } }),
      permute: step(permuteLabels, { inputs: { split: 'prepare.train' } }),
      train: step(train, {
        inputs: { train: 'permute.split', validation: 'prepare.validation', transforms: 'prepare.transforms' },
        params: { recipe },
      }),
      evaluate: step(evaluate, { inputs: { model: 'train.model', test: 'prepare.test', transforms: 'prepare.transforms' } }),
      'validate-model': step(validateModel, {
        inputs: { metrics: 'evaluate.metrics', test: 'prepare.test', transforms: 'prepare.transforms' },
        params: { model: param('model'), thresholds: [{ metric: 'accuracy', lower: 0 }] },
      }),
      register: step(register, {
        inputs: {
          model: 'train.model',
          train: 'prepare.train',
          validation: 'prepare.validation',
          transforms: 'prepare.transforms',
          metrics: 'evaluate.metrics',
          blessing: 'validate-model.blessing',
        },
        params: { model: param('model'), dataset: param('dataset') },
      }),
      release: step(release, {
        inputs: { version: 'register.version', blessing: 'validate-model.blessing' },
        params: { model: param('model'), rollout: param('rollout') },
      }),
    },
    triggers: {},
  }),
]
