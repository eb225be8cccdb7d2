import { afterAll, beforeAll, expect, test } from 'vitest'
import { utf8 } from '../../../shared/core/bytes.ts'
import type { Slug } from '../../../shared/core/ids.ts'
import { normal, seededRandom } from '../../../shared/core/random.ts'
import { datasetSchema } from '../../../shared/data/schema.ts'
import { spanStatistics } from '../../../server/datasets/span-statistics.ts'
import { watchValueSkew } from '../../../server/datasets/value-skew.ts'
import { definePipeline, step } from '../../../server/pipeline/pipeline.ts'
import { createBench, type PipelineBench } from '../pipeline/pipeline-harness.ts'
import { constant } from '../pipeline/step-kinds.ts'

const dataset = 'plants' as Slug
const pipeline = definePipeline({
  name: 'plants',
  description: '',
  model: 'plants',
  dataset,
  params: {},
  steps: { one: step(constant, { params: { value: 1 } }) },
  triggers: { demand: { enabled: true, settings: {} }, drift: { enabled: true, settings: { cooldownMs: 0 } } },
})

let bench: PipelineBench
let watch: ReturnType<typeof watchValueSkew>
beforeAll(async () => {
  bench = await createBench({ pipelines: [pipeline], form: null })
  const { events, datasets, blobs, folder, alerts, errors } = bench
  const raise = async (alert: (typeof alerts)[number]) => alerts.push(alert)
  watch = watchValueSkew({
    events,
    dataset: datasets.get,
    statistics: spanStatistics({ blobs, folder }),
    raise,
    onError: (thrown) => errors.push(thrown),
  })
  await bench.pipelines.begin()
})
afterAll(async () => {
  await watch.close()
  await bench.close()
})

const random = seededRandom(12)
async function arrive(shift: number, text = 'rose'): Promise<void> {
  const rows = Array.from({ length: 800 }, (_, i) => `${(shift + normal(random)).toFixed(3)},${i % 4 === 0 ? 'tulip' : text}`)
  await bench.api('spans.upload', { params: { dataset }, body: utf8(`width,kind\n${rows.join('\n')}\n`), type: 'text/csv' })
  await watch.settled()
  await bench.pipelines.idle()
}
const runs = async () => (await bench.api('runs.list', { query: { pipeline: dataset } })).items

test('[DAT-34] rows that have moved start a retraining, rows that have not do not, and nothing is refused for it', async () => {
  const drift = { jensenShannonDivergence: 0.1, significance: { alpha: 0.001, margin: 0.1 } }
  const schema = datasetSchema.parse({
    features: [
      { name: 'width', type: 'float', drift },
      { name: 'kind', type: 'string', drift: { infinityNorm: 0.1 } },
    ],
  })
  await bench.api('datasets.create', { body: { name: dataset, schema } })
  for (const _ of [1, 2, 3]) await arrive(0)
  expect([await runs(), bench.alerts]).toEqual([[], []])
  await arrive(2)
  expect(await runs()).toMatchObject([
    {
      state: 'succeeded',
      trigger: { kind: 'drift', reason: expect.stringContaining('values of plants have changed with span 4') as string },
    },
  ])
  expect(bench.alerts).toMatchObject([{ kind: 'drift', subject: 'plants', title: 'plants span 4: values have changed (width)' }])
  expect(bench.alerts[0]?.evidence).toMatchObject({
    span: 4,
    previous: 3,
    comparisons: [
      { feature: 'width', distance: 'jensenShannonDivergence' },
      { feature: 'kind', value: 0 },
    ],
    tests: [{ feature: 'width', n: 800, control: 800, changed: true }],
  })
  // the same world again is no change any more
  await arrive(2)
  expect(bench.alerts).toHaveLength(1)
  await arrive(2, 'lily')
  expect(bench.alerts.at(-1)?.title).toBe('plants span 6: values have changed (kind)')
  expect(bench.errors).toEqual([])
})

test('[DAT-34] without a version that is live there is nothing to retrain; people are told all the same', async () => {
  bench.fleet.stable = null
  const before = (await runs()).length
  await arrive(9)
  expect([(await runs()).length, bench.alerts.at(-1)?.title]).toEqual([before, 'plants span 7: values have changed (width, kind)'])
})
