import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Client } from '../../../shared/contract/client.ts'
import { systemClock } from '../../../shared/core/clock.ts'
import { must } from '../../../shared/core/assert.ts'
import type { JsonObject } from '../../../shared/core/json.ts'
import type { RunId, Slug } from '../../../shared/core/ids.ts'
import { inFolder } from '../../../server/datasets/span-files.ts'
import { evaluate } from '../../../server/pipeline/components/evaluate.ts'
import { extract } from '../../../server/pipeline/components/extract.ts'
import { prepare } from '../../../server/pipeline/components/prepare.ts'
import { register } from '../../../server/pipeline/components/register.ts'
import { release } from '../../../server/pipeline/components/release.ts'
import { train } from '../../../server/pipeline/components/train.ts'
import { validateModel } from '../../../server/pipeline/components/validate-model.ts'
import { param } from '../../../server/pipeline/params.ts'
import { definePipeline, step } from '../../../server/pipeline/pipeline.ts'
import type { NumericReference } from '../../../shared/stats/numeric-reference.ts'
import { createFleet } from '../../simulator/fleet.ts'
import { writeFlights } from '../../../server/pipelines/flights-data.ts'
import { batchPredict } from '../../../server/pipelines/batch-predict.ts'
import { parquetRows } from './parquet-rows.ts'
import { createTestServer, type TestServer } from '../harness.ts'

const NAME = 'kilometres' as Slug
/** So many make a batch, which is what is judged. */
const DEVICES = 30

/** Miles in, kilometres out: a number whose right value everybody knows. */
const kilometres = definePipeline({
  name: NAME,
  description: '',
  model: NAME,
  dataset: NAME,
  params: { seed: 1, epochs: 30 },
  steps: {
    extract: step(extract, {
      params: {
        sources: { flights: NAME },
        query: 'SELECT id, origin, distance, 1.609344 * distance AS kilometres FROM flights ORDER BY id',
      },
    }),
    prepare: step(prepare, {
      inputs: { data: 'extract.data' },
      params: {
        form: { kind: 'columns', columns: ['distance'] },
        label: 'kilometres',
        task: 'regression',
        sliceBy: ['origin'],
      },
    }),
    train: step(train, {
      inputs: { train: 'prepare.train', validation: 'prepare.validation', transforms: 'prepare.transforms' },
      params: {
        recipe: {
          architecture: { kind: 'linear' },
          optimizer: { kind: 'adam' },
          epochs: param('epochs'),
          batchSize: 32,
          learningRate: { kind: 'cosine', rate: 0.05 },
          leastFall: null,
        },
      },
    }),
    evaluate: step(evaluate, { inputs: { model: 'train.model', test: 'prepare.test', transforms: 'prepare.transforms' } }),
    'validate-model': step(validateModel, {
      inputs: {
        metrics: 'evaluate.metrics',
        test: 'prepare.test',
        transforms: 'prepare.transforms',
        model: 'train.model',
        train: 'prepare.train',
      },
      params: {
        model: NAME,
        rivals: { mean: { kind: 'constant' } },
        thresholds: [
          { metric: 'mae', change: { direction: 'lower-is-better', against: 'mean', atLeast: 100, confidence: 0.95 } },
          { metric: 'mae', change: { direction: 'lower-is-better', atLeast: 0 } },
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
      params: { model: NAME, dataset: NAME },
    }),
    release: step(release, { inputs: { version: 'register.version', blessing: 'validate-model.blessing' }, params: { model: NAME } }),
  },
})

let server: TestServer
let api: Client
beforeAll(async () => {
  server = await createTestServer({
    clock: systemClock,
    monitoring: { batchDevices: DEVICES, minimumDevices: DEVICES },
  })
  const { services } = server
  api = server.client(server.keys.admin)
  await services.registry.createModel({ name: NAME, description: '' })
  await services.datasets.create({ name: NAME, description: '' })
  for (const pipeline of [kilometres, batchPredict]) await services.pipelines.define(pipeline)
  const body = await inFolder(tmpdir(), async (folder) => {
    const path = join(folder, 'flights.parquet')
    await writeFlights(path, folder, { from: '2001-01-01', until: '2001-01-15', every: 250 })
    return new Uint8Array(await readFile(path))
  })
  await api('spans.upload', { params: { dataset: NAME }, body, type: 'application/vnd.apache.parquet' })
})
afterAll(() => server.close())

async function run(params: JsonObject, pipeline = NAME) {
  const { id } = await api('runs.start', { params: { pipeline }, body: { params } })
  await server.services.pipelines.idle()
  return api('runs.get', { params: { run: id as RunId } })
}

describe('a regression, from data to an answer over HTTP', () => {
  test('[PIP-180] is trained, measured, better than the mean, registered, released, and answers with its number', async () => {
    const detail = await run({})
    expect(detail).toMatchObject({ state: 'succeeded', error: null })
    expect(detail.metrics['mae']).toBeLessThan(10)
    expect(detail.metrics['accuracy']).toBeUndefined()
    expect(await api('models.get', { params: { model: NAME } })).toMatchObject({ latest: 1, aliases: { stable: 1 } })
    const { labels, predictions } = await api('models.predict', {
      params: { model: NAME },
      body: { inputs: [{ distance: 300 }, { distance: 2000 }] },
    })
    expect(labels).toEqual([])
    for (const [i, miles] of [300, 2000].entries()) {
      const { label, probabilities, outputs } = predictions[i] ?? {}
      expect({ label, probabilities }).toEqual({ label: '', probabilities: [] })
      expect(outputs).toMatchObject([{ datatype: 'FP32', shape: [1, 1] }])
      const answer = Number(outputs?.[0]?.data[0])
      expect(Math.abs(answer / (1.609344 * miles) - 1)).toBeLessThan(0.05)
    }
    const { references } = await server.services.registry.manifestOf(NAME, 1)
    expect(Object.keys(references).sort()).toEqual(['distance', 'prediction'])
    const { distance, prediction } = references as Record<string, NumericReference>
    expect([distance?.kind, prediction?.kind]).toEqual(['numeric', 'numeric'])
    expect(must(prediction, 'of the answers').mean / must(distance, 'of the input').mean).toBeCloseTo(1.609344, 0)
  }, 120_000)

  test('[PIP-183] batch prediction gives each row its number, the one that is given online', async () => {
    const detail = await run({ dataset: NAME, model: NAME, query: 'SELECT id, distance FROM data ORDER BY id' }, batchPredict.name as Slug)
    expect(detail).toMatchObject({ state: 'succeeded', error: null })
    const artifact = must(detail.steps.find(({ name }) => name === 'predict')?.outputs['predictions'], 'the answers')
    const rows = await parquetRows<{ id: string; prediction: number }>(api, artifact.id)
    const extracted = must(detail.steps.find(({ name }) => name === 'extract')?.outputs['data'], 'the rows')
    const miles = new Map(
      (await parquetRows<{ id: unknown; distance: number }>(api, extracted.id)).map(({ id, distance }) => [String(id), Number(distance)]),
    )
    expect(rows).toHaveLength(miles.size)
    expect(Object.keys(must(rows[0], 'a row'))).toEqual(['id', 'prediction', 'version'])
    const given = rows.map(({ prediction }) => prediction)
    expect(artifact.properties).toMatchObject({
      rows: rows.length,
      version: 1,
      labels: [],
      answers: { least: Math.min(...given), greatest: Math.max(...given) },
    })
    const asked = rows.slice(0, 20)
    const online = await api('models.predict', {
      params: { model: NAME },
      body: { inputs: asked.map(({ id }) => ({ distance: must(miles.get(id), 'the row') })) },
    })
    for (const [i, { prediction }] of asked.entries())
      expect(Number(online.predictions[i]?.outputs?.[0]?.data[0]) / prediction).toBeCloseTo(1, 6)
  }, 60_000)

  test('[MON-26] devices count the number: one world is no drift of it, another is, as an alert that names it', async () => {
    await api('apps.create', { body: { app: 'ruler' as Slug, models: [NAME] } })
    const { distance } = (await server.services.registry.manifestOf(NAME, 1)).references as Record<string, NumericReference>
    const { edges } = must(distance, 'the reference of the input')
    const low = edges.slice(0, edges.length >> 1)
    const fleet = await createFleet({ fetch: server.request, app: 'ruler', count: 2 * DEVICES, seed: 5, clock: systemClock })
    try {
      const half = (first: boolean) =>
        fleet.each(async ({ number, random, shoal }) => {
          if (number < DEVICES !== first) return
          const model = await shoal.load(NAME)
          for (let i = 0; i < 20; i++) {
            // each bin holds as much as any other: a bin drawn evenly, and a place in it, is a row like those of the training
            const bin = random.integer((first ? edges.length : low.length) - 1)
            const [from, to] = [must(edges[bin], 'an edge'), must(edges[bin + 1], 'an edge')]
            await model.predict({ distance: from + (to - from) * random.uniform() })
          }
          await model.flush()
        })
      await half(true)
      const before = await api('monitoring.windows', { params: { model: NAME } })
      expect(before.current).toMatchObject({
        devices: DEVICES,
        predictions: 20 * DEVICES,
        predictionDrift: { feature: 'prediction', n: 20 * DEVICES },
      })
      expect(['ok', 'watch']).toContain(before.current?.predictionDrift.status)
      expect(before.current?.features.map(({ feature }) => feature)).toEqual(['distance'])
      await half(false)
      const { current } = await api('monitoring.windows', { params: { model: NAME } })
      expect(current).toMatchObject({ predictionDrift: { status: 'drift' }, estimated: { value: null }, accuracy: { n: 0 } })
      const { items } = await api('alerts.list', { query: { kind: 'drift' } })
      expect(items).toMatchObject([{ subject: NAME, detail: expect.stringMatching(/prediction drifted/) as string }])
    } finally {
      await fleet.dispose()
    }
  }, 120_000)

  test('[MON-27] a truth that is a number counts by the error bound that was promised: live accuracy, and degradation where it is broken', async () => {
    const { promised } = await server.services.registry.manifestOf(NAME, 1)
    expect(promised.errorBound).toBeGreaterThan(0)
    // a tenth of the rows lie beyond it at most: many flights have the same distance
    expect(promised.errorRate).toBeGreaterThanOrEqual(0.02)
    expect(promised.errorRate).toBeLessThan(0.2)
    const fleet = await createFleet({ fetch: server.request, app: 'ruler', count: 2 * DEVICES, seed: 6, clock: systemClock })
    const { distance } = (await server.services.registry.manifestOf(NAME, 1)).references as Record<string, NumericReference>
    const { edges } = must(distance, 'the reference of the input')
    /** Half of the devices measure, and are told the truth, which is `factor` kilometres a mile. */
    const measured = (first: boolean, factor: number) =>
      fleet.each(async ({ number, random, shoal }) => {
        if (number < DEVICES !== first) return
        const model = await shoal.load(NAME)
        for (let i = 0; i < 12; i++) {
          const bin = random.integer(edges.length - 1)
          const [from, to] = [must(edges[bin], 'an edge'), must(edges[bin + 1], 'an edge')]
          const miles = from + (to - from) * random.uniform()
          const { id } = await model.predict({ distance: miles })
          for (const truth of ['far', null, Number.NaN] as const)
            await expect(model.feedback(id, truth)).rejects.toMatchObject({ code: 'invalid_input' })
          expect(await model.feedback(id, factor * miles)).toEqual({ counted: true, shared: false, kept: false })
          expect((await model.feedback(id, factor * miles)).counted).toBe(false)
        }
        await model.flush()
      })
    try {
      await measured(true, 1.609344)
      const { current } = await api('monitoring.windows', { params: { model: NAME } })
      expect(current?.accuracy.n).toBe(12 * DEVICES)
      expect(current?.accuracy.value).toBeGreaterThan(0.8)
      // a nautical mile is longer: nearly every answer is too small by more than the bound
      await measured(false, 1.852)
      const { items } = await api('alerts.list', { query: { kind: 'degradation' } })
      expect(items).toMatchObject([{ subject: NAME, detail: expect.stringMatching(/answers were right .* promised were 9\d/) as string }])
    } finally {
      await fleet.dispose()
    }
  }, 120_000)

  test('[PIP-180] a worse candidate is refused with its figure and that of the live version', async () => {
    const detail = await run({ epochs: 1 })
    expect(detail).toMatchObject({
      state: 'stopped',
      error: { code: 'not_blessed', step: 'validate-model', detail: expect.stringMatching(/mae is \d+\.\d+, the live version has \d/) },
    })
    expect((await api('models.get', { params: { model: NAME } })).latest).toBe(1)
  }, 120_000)
})
