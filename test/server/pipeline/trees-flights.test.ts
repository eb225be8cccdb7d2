import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Client } from '../../../shared/contract/client.ts'
import { must } from '../../../shared/core/assert.ts'
import { systemClock } from '../../../shared/core/clock.ts'
import type { RunId, Slug } from '../../../shared/core/ids.ts'
import type { JsonObject } from '../../../shared/core/json.ts'
import { inFolder } from '../../../server/datasets/span-files.ts'
import { train } from '../../../server/pipeline/components/train.ts'
import { validateRuntime } from '../../../server/pipeline/components/validate-runtime.ts'
import { choice } from '../../../server/pipeline/params.ts'
import { definePipeline, step } from '../../../server/pipeline/pipeline.ts'
import { batchPredict } from '../../../server/pipelines/batch-predict.ts'
import { bootstrapFlights } from '../../../server/pipelines/bootstrap-flights.ts'
import { flights } from '../../../server/pipelines/flights.ts'
import { writeFlights } from '../../../server/pipelines/flights-data.ts'
import { ensureChromium } from '../../browser.ts'
import { createFleet } from '../../simulator/fleet.ts'
import { createTestServer, type TestServer } from '../harness.ts'
import { parquetRows } from './parquet-rows.ts'
import { unattended } from './unattended.ts'

const FLIGHTS = 'flights' as Slug
const trees = {
  architecture: { kind: 'trees', depth: 5 },
  epochs: 60,
  learningRate: { kind: 'constant', rate: 0.1 },
  stopEarly: { patience: 10 },
}
const { register } = flights.steps
const learns = must(flights.steps['train'], 'a train step')
const { train: _, register: __, release: released, ...before } = flights.steps

/** The flights pipeline as it ships, with another recipe to choose, and a check of the candidate in a browser. */
const either = (chromium: string) =>
  definePipeline({
    ...flights,
    params: { ...flights.params, learner: 'trees' },
    steps: {
      ...before,
      train: step(train, {
        inputs: learns.inputs as { train: string; validation: string; transforms: string },
        params: { recipe: choice('learner', { trees, mlp: learns.params['recipe'] as JsonObject }) },
      }),
      'validate-runtime': step(validateRuntime, {
        inputs: { model: 'train.model', examples: 'prepare.validation', transforms: 'prepare.transforms' },
        params: { browser: 'required', chromium, budget: { answerMs: 20, modelBytes: 500_000 } },
      }),
      register: { ...must(register, 'a register step'), inputs: { ...register?.inputs, runtime: 'validate-runtime.runtime' } },
      release: must(released, 'a release step'),
    },
  })

let server: TestServer
let api: Client
let { arrives, ended, stable } = {} as ReturnType<typeof unattended>
beforeAll(async () => {
  const chromium = ensureChromium({ log: () => {} })
  server = await createTestServer({ clock: systemClock, background: true })
  const { services } = server
  api = server.client(server.keys.admin)
  ;({ arrives, ended, stable } = unattended({ server, api, name: FLIGHTS }))
  for (const pipeline of [either(chromium), batchPredict]) await services.pipelines.define(pipeline)
  await bootstrapFlights({
    datasets: services.datasets,
    createApp: (app, models) => services.access.createApp({ app, models }),
    createModel: (name, description) => services.registry.createModel({ name, description }),
  })
  await api('triggers.set', {
    params: { pipeline: FLIGHTS, kind: 'new-data' },
    body: { enabled: true, settings: { minSpans: 1, params: { release: 'direct' } } },
  })
}, 300_000)
afterAll(() => server.close())

const row = { date: '2001-03-05 18:30', distance: 718, origin: 'ABQ', destination: 'LAX' }

describe('flights by trees', () => {
  test('[PIP-192] the first file becomes a released version by itself, checked in Node and in a browser, and is about as good as the network', async () => {
    const body = await inFolder(tmpdir(), async (folder) => {
      const path = join(folder, 'flights.parquet')
      await writeFlights(path, folder, { from: '2001-01-01', until: '2001-03-01', every: 120 })
      return new Uint8Array(await readFile(path))
    })
    const run = await arrives(body)
    expect(run).toMatchObject({ state: 'succeeded', error: null, trigger: { kind: 'new-data' } })
    expect(await stable()).toBe(1)
    const check = must(run.steps.find(({ name }) => name === 'validate-runtime')?.outputs['runtime'], 'the check')
    expect(check.properties).toEqual({ blessed: true, inBrowser: true })
    const found = await server.services.registry.manifestOf(FLIGHTS, 1)
    expect(found).toMatchObject({
      requires: { runtime: 'trees' },
      topology: { kind: 'trees', objective: 'logistic', classes: 2 },
      labels: ['late', 'on time'],
    })
    const network = await api('runs.start', { params: { pipeline: FLIGHTS }, body: { params: { learner: 'mlp' } } })
    const other = await ended(run.id)
    expect(other.id).toBe(network.id)
    // the floor that both share is what the hour and the airports do not tell
    expect(Math.abs(must(run.metrics['logLoss'], 'a figure') / must(other.metrics['logLoss'], 'a figure') - 1)).toBeLessThan(0.03)
  }, 240_000)

  test('[PIP-192] it answers over HTTP, on a device, and for a whole data set alike, and has a model card', async () => {
    const asked = [row, { ...row, distance: null }, { ...row, origin: 'never seen' }]
    const version = 1
    await api('aliases.set', { params: { model: FLIGHTS, alias: 'stable' as Slug }, body: { version, reason: 'a test' } })
    const { labels, predictions } = await api('models.predict', { params: { model: FLIGHTS }, body: { inputs: asked } })
    expect(labels).toEqual(['late', 'on time'])
    const fleet = await createFleet({ fetch: server.request, app: FLIGHTS, count: 1, seed: 5, clock: systemClock })
    try {
      const model = await must(fleet.devices[0], 'a device').shoal.load(FLIGHTS)
      expect(model).toMatchObject({ version, backend: 'cpu' })
      expect(model.explainBackend()).toMatchObject({
        candidate: 'cpu',
        engine: 'trees',
        skipped: { webgpu: expect.stringMatching(/plain JavaScript/), wasm: expect.stringMatching(/plain JavaScript/) },
      })
      for (const [i, input] of asked.entries()) {
        const { probabilities, label } = await model.predict(input)
        expect({ label, probabilities }).toEqual({ label: predictions[i]?.label, probabilities: predictions[i]?.probabilities })
      }
    } finally {
      await fleet.dispose()
    }
    const { id } = await api('runs.start', {
      params: { pipeline: batchPredict.name as Slug },
      body: { params: { dataset: FLIGHTS, model: FLIGHTS, query: 'SELECT * FROM data ORDER BY id LIMIT 50' } },
    })
    await server.services.pipelines.idle()
    const detail = await api('runs.get', { params: { run: id as RunId } })
    expect(detail).toMatchObject({ state: 'succeeded', error: null })
    const answers = must(detail.steps.find(({ name }) => name === 'predict')?.outputs['predictions'], 'the answers')
    expect(await parquetRows(api, answers.id)).toHaveLength(50)
    const card = await api('versions.card', { params: { model: FLIGHTS, version: String(version) } })
    expect(card).toMatchObject({
      model: { layers: [expect.stringMatching(/^\d+ boosted trees$/)] },
      training: { recipe: { architecture: { kind: 'trees' } } },
    })
  }, 120_000)
})
