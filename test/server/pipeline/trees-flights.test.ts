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
import { federate } from '../../../server/pipeline/components/federate.ts'
import { train } from '../../../server/pipeline/components/train.ts'
import { validateRuntime } from '../../../server/pipeline/components/validate-runtime.ts'
import { choice, param } from '../../../server/pipeline/params.ts'
import { definePipeline, step } from '../../../server/pipeline/pipeline.ts'
import { batchPredict } from '../../../server/pipelines/batch-predict.ts'
import { bootstrapFlights } from '../../../server/pipelines/bootstrap-flights.ts'
import { flights } from '../../../server/pipelines/flights.ts'
import { writeFlights } from '../../../server/pipelines/flights-data.ts'
import { treesIn } from '../../../shared/trees/forest-file.ts'
import { nodeTrainer } from '../../client/sdk/training/learner.ts'
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

/** The flights pipeline as it ships, with another recipe to choose, and, when asked for, a check of the candidate in a browser. */
const either = (chromium: string) =>
  definePipeline({
    ...flights,
    params: { ...flights.params, learner: 'trees', from: null, threads: 1, browser: 'off' },
    steps: {
      ...before,
      train: step(train, {
        inputs: learns.inputs as { train: string; validation: string; transforms: string },
        params: {
          recipe: choice('learner', { trees, mlp: learns.params['recipe'] as JsonObject }),
          warmStart: param('from'),
          threads: param('threads'),
        },
      }),
      'validate-runtime': step(validateRuntime, {
        inputs: { model: 'train.model', examples: 'prepare.validation', transforms: 'prepare.transforms' },
        params: { browser: param('browser'), chromium, budget: { answerMs: 500, modelBytes: 500_000 } },
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
  server = await createTestServer({ clock: systemClock, background: true, monitoring: { batchDevices: 1, minimumDevices: 1 } })
  const { services } = server
  api = server.client(server.keys.admin)
  ;({ arrives, ended, stable } = unattended({ server, api, name: FLIGHTS }))
  for (const pipeline of [either(chromium), batchPredict, devices]) await services.pipelines.define(pipeline)
  await bootstrapFlights({
    datasets: services.datasets,
    createApp: (app, models) => services.access.createApp({ app, models }),
    createModel: (name, description) => services.registry.createModel({ name, description }),
  })
  await api('triggers.set', {
    params: { pipeline: FLIGHTS, kind: 'new-data' },
    body: { enabled: true, settings: { minSpans: 1, params: { release: 'direct', browser: 'required' } } },
  })
}, 300_000)
afterAll(() => server.close())

const devices = definePipeline({
  name: 'flights-on-devices',
  description: '',
  model: FLIGHTS,
  dataset: FLIGHTS,
  steps: { federate: step(federate, { params: { model: FLIGHTS, wanted: 1, minimum: 1, durationMs: 60_000 } }) },
})

const row = { date: '2001-03-05 18:30', distance: 718, origin: 'ABQ', destination: 'LAX' }

describe('flights by trees', () => {
  test('[PIP-193] the first file becomes a released version by itself, checked in Node and in a browser, and is about as good as the network', async () => {
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

  test('[PIP-193] it answers over HTTP, on a device, and for a whole data set alike, and has a model card', async () => {
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
      await model.flush()
      const { current } = await api('monitoring.windows', { params: { model: FLIGHTS } })
      expect(current).toMatchObject({ devices: 1, predictions: asked.length })
      expect(current?.features.map(({ feature }) => feature).sort()).toEqual(['confidence', 'destination', 'distance', 'origin'])
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

  test('[PIP-196] a retraining goes on from the live trees, and one by a network does not; threads are not asked for, which the log explains', async () => {
    const from = { model: FLIGHTS, alias: 'stable' }
    const before = (await api('runs.list', { query: { pipeline: FLIGHTS, limit: '1' } })).items[0]?.id
    const trained = async (params: JsonObject, last: string | undefined) => {
      const { id } = await api('runs.start', { params: { pipeline: FLIGHTS }, body: { params: { release: 'direct', ...params } } })
      const run = await ended(last)
      expect(run.id).toBe(id)
      const step = must(
        run.steps.find(({ name }) => name === 'train'),
        'the step',
      )
      const { items } = await api('runs.logs', { params: { run: run.id as RunId }, query: { step: 'train' } })
      return { run, step, said: items.map(({ message }) => message).join('\n') }
    }
    const { topology, tensors } = await server.services.registry.manifestOf(FLIGHTS, 1)
    const again = await trained({ from, epochs: 4, threads: 2 }, before)
    expect(again.step.state).toBe('succeeded')
    expect(again.said).toMatch(/going on from version 1 on cpu: \d+ rows, 60 rounds/)
    expect(again.said).toMatch(/trained with trees, on one thread/)
    expect(again.step.outputs['model']?.properties).toMatchObject({ parent: 1 })
    expect(again.run).toMatchObject({ state: 'succeeded', error: null })
    const second = await server.services.registry.manifestOf(FLIGHTS, must(await stable(), 'a version'))
    expect(second).toMatchObject({ topology, parent: 1 })
    expect(treesIn(second.tensors)).toBeGreaterThan(treesIn(tensors))
    const network = await trained({ from, learner: 'mlp', epochs: 1 }, again.run.id)
    expect(network.said).toMatch(/is a model of the kind trees, where the recipe makes tfjs-layers: training starts anew/)
    expect(network.step.outputs['model']?.properties).toMatchObject({ parent: null })
  }, 120_000)

  test('[DEV-66] devices keep no examples for trees, refuse a round on them with the reason, and federation is refused before one is opened', async () => {
    await api('aliases.set', { params: { model: FLIGHTS, alias: 'stable' as Slug }, body: { version: 1, reason: 'a test' } })
    const consent = { statistics: false, training: true }
    const fleet = await createFleet({
      fetch: server.request,
      app: FLIGHTS,
      count: 1,
      seed: 6,
      clock: systemClock,
      consent,
      trainer: nodeTrainer(),
    })
    try {
      const model = await must(fleet.devices[0], 'a device').shoal.load(FLIGHTS)
      const answer = await model.predict(row)
      expect(await model.feedback(answer.id, 'late')).toMatchObject({ kept: false })
      const plan = { base: 1, epochs: 1, batchSize: 8, learningRate: 0.1, seed: 1, clipNorm: 1, maxExamples: 10 }
      await expect(
        api('rounds.open', { params: { model: FLIGHTS }, body: { plan, wanted: 1, minimum: 1, durationMs: 60_000 } }),
      ).rejects.toMatchObject({ code: 'unsupported_op', detail: expect.stringMatching(/version 1 is a model of the kind trees/) })
      expect(await model.contribute()).toEqual({
        outcome: 'refused',
        code: 'unsupported_op',
        why: 'version 1 is a model of the kind trees, which answers but cannot be trained',
      })
    } finally {
      await fleet.dispose()
    }
    const { id } = await api('runs.start', { params: { pipeline: devices.name as Slug }, body: { params: {} } })
    await server.services.pipelines.idle()
    expect(await api('runs.get', { params: { run: id as RunId } })).toMatchObject({
      state: 'failed',
      error: {
        code: 'unsupported_op',
        detail: expect.stringMatching(/version 1 is a model of the kind trees, which answers but cannot be trained/),
      },
    })
  }, 60_000)
})
