import { afterAll, beforeAll, expect, test } from 'vitest'
import { extract } from '../../../server/pipeline/components/extract.ts'
import { prepare } from '../../../server/pipeline/components/prepare.ts'
import { train } from '../../../server/pipeline/components/train.ts'
import { choice, param } from '../../../server/pipeline/params.ts'
import { definePipeline, step } from '../../../server/pipeline/pipeline.ts'
import { glorot } from '../../../shared/compute/architectures.ts'
import { must } from '../../../shared/core/assert.ts'
import { utf8 } from '../../../shared/core/bytes.ts'
import type { Slug } from '../../../shared/core/ids.ts'
import { seededRandom } from '../../../shared/core/random.ts'
import { createBench, type PipelineBench } from './pipeline-harness.ts'

const PLANTS = 'plants' as Slug
const recipe = {
  optimizer: { kind: 'adam' },
  epochs: 5,
  batchSize: 16,
  learningRate: { kind: 'constant', rate: 0.02 },
  leastFall: null,
}
const dense = (name: string, config: object) => ({ class_name: 'Dense', config: { name, kernel_initializer: glorot, ...config } })
/** A network with moving averages. */
const normalised = {
  class_name: 'Sequential',
  config: {
    name: 'normalised',
    layers: [
      dense('first', { units: 8, batch_input_shape: [null, 2], dtype: 'float32' }),
      { class_name: 'BatchNormalization', config: { name: 'normal' } },
      dense('output', { units: 2, activation: 'softmax' }),
    ],
  },
}

/** A network that no plan trains. */
const penalised = {
  class_name: 'Sequential',
  config: {
    name: 'penalised',
    layers: [
      dense('first', {
        units: 8,
        batch_input_shape: [null, 2],
        dtype: 'float32',
        kernel_regularizer: { class_name: 'L1L2', config: { l1: 0, l2: 1e-4 } },
      }),
      dense('output', { units: 2, activation: 'softmax' }),
    ],
  },
}

const pipeline = definePipeline({
  name: 'threads',
  description: '',
  model: 'plants',
  dataset: 'plants',
  params: { threads: 1, network: 'shared', seed: 1 },
  steps: {
    extract: step(extract, { params: { sources: { plants: 'plants' }, query: 'SELECT * FROM plants ORDER BY id' } }),
    prepare: step(prepare, {
      inputs: { data: 'extract.data' },
      params: { form: { kind: 'columns', columns: ['width', 'height'] }, label: 'kind' },
    }),
    train: step(train, {
      inputs: { train: 'prepare.train', validation: 'prepare.validation', transforms: 'prepare.transforms' },
      params: {
        recipe: choice('network', {
          shared: { ...recipe, architecture: { kind: 'mlp', hidden: [8] } },
          normalised: { ...recipe, architecture: { kind: 'topology', topology: normalised } },
          penalised: { ...recipe, architecture: { kind: 'topology', topology: penalised } },
        }),
        threads: param('threads'),
      },
    }),
  },
})

let benches: PipelineBench[]
beforeAll(async () => {
  benches = await Promise.all([1, 2].map(() => createBench({ pipelines: [pipeline] })))
  const random = seededRandom(3)
  const rows = Array.from({ length: 600 }, (_, id) => {
    const rose = random.uniform() < 0.5
    return `${id},${(rose ? 2 : 2.7) + random.uniform()},${random.uniform() * 10},${rose ? 'rose' : 'tulip'}`
  })
  for (const bench of benches) {
    await bench.registry.createModel({ name: PLANTS, description: '' })
    await bench.api('datasets.create', { body: { name: PLANTS } })
    const body = utf8(['id,width,height,kind', ...rows].join('\n'))
    await bench.api('spans.upload', { params: { dataset: PLANTS }, body, type: 'text/csv' })
  }
}, 60_000)
afterAll(() => Promise.all(benches.map((bench) => bench.close())))

async function trained(which: number, params: { threads: number; network?: string }) {
  const bench = must(benches[which], 'a bench')
  const { id } = await bench.pipelines.startRun('threads', { params, reason: 'test', by: 'tests' })
  await bench.pipelines.idle()
  const run = await bench.pipelines.run(id)
  expect(run.error).toBeNull()
  const one = must(
    run.steps.find(({ name }) => name === 'train'),
    'the step',
  )
  const { items } = await bench.pipelines.logs(id, { step: 'train', limit: 100 })
  return {
    step: one,
    said: items.map(({ message }) => message).join('\n'),
  }
}

test('[PIP-185] a train step on two threads: the digests of one thread, wherever it runs', async () => {
  const two = await trained(0, { threads: 2 })
  expect(two.said).toContain('kernels on 2 threads')
  expect(two.step.params).toMatchObject({ threads: 2 })
  const one = await trained(1, { threads: 1 })
  expect(one.step).toMatchObject({ state: 'succeeded', params: { threads: 1 } })
  expect(one.said).not.toContain('kernels on')
  expect(two.step.outputs['model']?.digest).toBe(one.step.outputs['model']?.digest)
  expect(two.step.outputs['history']?.digest).toBe(one.step.outputs['history']?.digest)

  expect((await trained(0, { threads: 1 })).step).toMatchObject({ state: 'cached', params: { threads: 1 } })
}, 60_000)

test('[PIP-185] moving averages are shared out like all else', async () => {
  const two = await trained(0, { threads: 2, network: 'normalised' })
  expect(two.said).toContain('kernels on 2 threads')
  const one = await trained(1, { threads: 1, network: 'normalised' })
  expect(one.step.state).toBe('succeeded')
  expect(two.step.outputs['model']?.digest).toBe(one.step.outputs['model']?.digest)
}, 60_000)

test('[PIP-185] what trains without a plan does so on one thread, which the log explains', async () => {
  const { step: ended, said } = await trained(0, { threads: 2, network: 'penalised' })
  expect(ended.state).toBe('succeeded')
  expect(said).toMatch(/layer first \(Dense\): kernelRegularizer is set, on one thread/)
}, 60_000)
