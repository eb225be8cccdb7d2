import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Bytes } from '../../../shared/core/bytes.ts'
import { systemClock } from '../../../shared/core/clock.ts'
import type { RunId, Slug } from '../../../shared/core/ids.ts'
import type { Client } from '../../../shared/contract/client.ts'
import { literal, openDuck, PARQUET_OPTIONS } from '../../../server/datasets/duckdb.ts'
import { inFolder } from '../../../server/datasets/span-files.ts'
import { bootstrapFlights } from '../../../server/pipelines/bootstrap-flights.ts'
import { flights } from '../../../server/pipelines/flights.ts'
import { flightsSchema, type FlightDays, writeFlights } from '../../../server/pipelines/flights-data.ts'
import { createTestServer, type TestServer } from '../harness.ts'
import { states, unattended } from './unattended.ts'

const FLIGHTS = 'flights' as Slug
let server: TestServer
let api: Client
let { arrives, ended, stable } = {} as ReturnType<typeof unattended>
beforeAll(async () => {
  server = await createTestServer({ clock: systemClock, background: true })
  const { services } = server
  api = server.client(server.keys.admin)
  ;({ arrives, ended, stable } = unattended({ server, api, name: FLIGHTS }))
  await services.pipelines.define(flights)
  await bootstrapFlights({
    datasets: services.datasets,
    createApp: (app, models) => services.access.createApp({ app, models }),
    createModel: (name, description) => services.registry.createModel({ name, description }),
  })
  await api('triggers.set', { params: { pipeline: FLIGHTS, kind: 'new-data' }, body: { enabled: true, settings: DIRECT } })
})
afterAll(() => server.close())

/** There are no devices here that a canary could be tried on. */
const DIRECT = { minSpans: 1, params: { release: 'direct', epochs: 4 } }

/** Flights of some days as a file, after a change in SQL. */
const file = (days: FlightDays, change = '*'): Promise<Bytes> =>
  inFolder(join(process.env['TMPDIR'] ?? '/tmp'), async (folder) => {
    const path = join(folder, 'flights.parquet')
    await writeFlights(path, folder, days)
    if (change === '*') return new Uint8Array(await readFile(path))
    const duck = await openDuck({ folder })
    const changed = join(folder, 'changed.parquet')
    await duck.run(`COPY (SELECT ${change} FROM read_parquet(${literal(path)})) TO ${literal(changed)} ${PARQUET_OPTIONS}`)
    duck.close()
    return new Uint8Array(await readFile(changed))
  })

describe('flights, unattended', () => {
  test('[PIP-134] a first day of data becomes a released version by itself', async () => {
    const run = await arrives(await file({ from: '2001-01-01', until: '2001-02-01', every: 120 }))
    expect(run).toMatchObject({ state: 'succeeded', trigger: { kind: 'new-data', reason: expect.stringMatching(/1 new spans? arrived/) } })
    expect(await stable()).toBe(1)
    expect(run.metrics['logLoss']).toBeLessThan(0.55)
  }, 60_000)

  test('[PIP-135] better on the newest days: the next arrival is validated, trained, released', async () => {
    const run = await arrives(await file({ from: '2001-02-01', until: '2001-03-01', every: 120 }))
    expect(run).toMatchObject({ state: 'succeeded', error: null })
    expect(await stable()).toBe(2)
    expect((await api('versions.get', { params: { model: FLIGHTS, version: '2' } })).run).toBe(run.id)
  }, 60_000)

  test('[PIP-136] schema break: stopped with evidence and an alert; once the schema was accepted the run goes on where it stood', async () => {
    const run = await arrives(await file({ from: '2001-03-01', until: '2001-03-08', every: 120 }, "*, 'AA' AS carrier"))
    expect(run).toMatchObject({
      state: 'stopped',
      error: { code: 'schema_anomaly', step: 'validate-data', detail: expect.stringMatching(/carrier/) },
    })
    expect(states(run)).toMatchObject({ extract: 'succeeded', prepare: 'skipped', train: 'skipped' })
    const { items } = await api('alerts.list', { query: {} })
    expect(items).toContainEqual(expect.objectContaining({ kind: 'data-anomaly', acknowledged: null }))

    await api('datasets.setSchema', {
      params: { dataset: FLIGHTS },
      body: { ...flightsSchema, features: [...flightsSchema.features, { name: 'carrier', type: 'string' }] },
    })
    await api('runs.resume', { params: { run: run.id as RunId } })
    const resumed = await ended()
    expect(resumed.id).toBe(run.id)
    expect(states(resumed)).toMatchObject({ extract: 'succeeded', 'validate-data': 'succeeded', train: 'succeeded', release: 'succeeded' })
    expect(await stable()).toBe(3)
    expect(resumed.steps.map(({ name, attempts }) => [name, attempts])).toEqual(
      expect.arrayContaining([
        ['extract', 1],
        ['analyse', 1],
        ['validate-data', 2],
      ]),
    )
  }, 60_000)

  test('[PIP-137] worse: an arrival of old days whose delays are in seconds costs a candidate its release, with the figures', async () => {
    const live = await stable()
    const run = await arrives(
      await file({ from: '2001-01-01', until: '2001-02-01', every: 20 }, "* REPLACE ('again-' || id AS id, 60 * delay AS delay)"),
    )
    expect(run).toMatchObject({
      state: 'stopped',
      error: { code: 'not_blessed', step: 'validate-model', detail: expect.stringMatching(/logLoss is/) },
    })
    expect(states(run)).toMatchObject({ 'validate-data': 'succeeded', train: 'succeeded', register: 'skipped', release: 'skipped' })
    expect(await stable()).toBe(live)
  }, 60_000)

  test('[SRV-20] answers rows with named features over HTTP, names every feature that a row lacks, and what does not fit', async () => {
    const row = { date: '2001-03-05 18:30', distance: 718, origin: 'ABQ', destination: 'LAX' }
    const predict = (inputs: Record<string, string | number | null>[]) =>
      api('models.predict', { params: { model: FLIGHTS }, body: { inputs } })
    const { predictions, labels } = await predict([row, { ...row, distance: null }, { ...row, origin: 'never seen' }])
    expect(labels).toEqual(['late', 'on time'])
    for (const { probabilities } of predictions) expect(probabilities.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5)
    await expect(predict([row, { distance: 718, origin: 'ABQ' }])).rejects.toMatchObject({
      code: 'invalid_input',
      detail: expect.stringMatching(/inputs\[1\].*lacks date, destination/),
    })
    await expect(predict([{ ...row, distance: 'far' }])).rejects.toMatchObject({
      detail: expect.stringMatching(/distance is "far", expected a number/),
    })
    // what devices count: the features as they are, but for the time, which goes on by itself
    const { references } = await server.services.registry.manifestOf(FLIGHTS, 1)
    expect(Object.keys(references).sort()).toEqual(['confidence', 'destination', 'distance', 'origin', 'prediction'])
  }, 30_000)
})
