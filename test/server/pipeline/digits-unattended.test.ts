import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Client } from '../../../shared/contract/client.ts'
import { type Bytes, toBase64 } from '../../../shared/core/bytes.ts'
import { systemClock } from '../../../shared/core/clock.ts'
import type { RolloutId, RunId, Slug } from '../../../shared/core/ids.ts'
import { seededRandom } from '../../../shared/core/random.ts'
import { examplesToParquet, inFolder } from '../../../server/datasets/span-files.ts'
import { digits, digitsSchema } from '../../../server/pipelines/digits.ts'
import { digit, digitLabels } from '../../shared/data/mnist.ts'
import { createTestServer, type TestServer } from '../harness.ts'
import { states, unattended } from './unattended.ts'

const DIGITS = 'digits' as Slug
let server: TestServer
let api: Client
let team: ReturnType<typeof unattended>
beforeAll(async () => {
  server = await createTestServer({ clock: systemClock, background: true })
  const { services } = server
  api = server.client(server.keys.admin)
  team = unattended({ server, api, name: DIGITS })
  await services.access.createApp({ app: DIGITS, models: [DIGITS] })
  await services.registry.createModel({ name: DIGITS, description: digits.description })
  await services.datasets.create({ name: DIGITS, description: '', schema: digitsSchema })
  await services.pipelines.define(digits)
  await api('triggers.set', {
    params: { pipeline: DIGITS, kind: 'new-data' },
    // a fortieth of the data makes no model of 97 %; [PIP-182] has the browser
    body: { enabled: true, settings: { minSpans: 1, params: { leastAccuracy: 0.6, browser: 'off' } } },
  })
})
afterAll(() => server.close())

type Digits = { readonly from: number; readonly until: number; readonly captured?: number; readonly labelOf?: (i: number) => number }

/** Some of MNIST's test images as a file. */
const file = ({ from, until, captured = 0, labelOf = (i) => digitLabels[i] ?? 0 }: Digits): Promise<Bytes> =>
  inFolder(tmpdir(), async (folder) => {
    const path = join(folder, 'digits.parquet')
    const rows = Array.from({ length: until - from }, (_, n) => {
      const i = from + n
      return { id: `digit-${i}`, captured, label: String(labelOf(i)), data: toBase64(digit(i)) }
    })
    await examplesToParquet(rows, 'mnist', path, folder)
    return new Uint8Array(await readFile(path))
  })

describe('digits, unattended', () => {
  test('[PIP-134] a first file of images becomes a released version by itself', async () => {
    const run = await team.arrives(await file({ from: 0, until: 1000 }))
    expect(run).toMatchObject({ state: 'succeeded', error: null, trigger: { kind: 'new-data' } })
    expect(await team.stable()).toBe(1)
  }, 120_000)

  test('[PIP-136] schema break: images of before 1970 stop the run with evidence and an alert; once the schema allows them it goes on, and its version is tried out', async () => {
    const run = await team.arrives(await file({ from: 1000, until: 2000, captured: -86_400_000 }))
    expect(run).toMatchObject({
      state: 'stopped',
      error: { code: 'schema_anomaly', step: 'validate-data', detail: expect.stringMatching(/captured/) },
    })
    expect(states(run)).toMatchObject({ extract: 'succeeded', prepare: 'skipped', train: 'skipped', release: 'skipped' })
    const { items } = await api('alerts.list', { query: {} })
    expect(items).toContainEqual(expect.objectContaining({ kind: 'data-anomaly', subject: DIGITS, acknowledged: null }))

    const features = digitsSchema.features.map((feature) =>
      feature.name === 'captured' ? { ...feature, domain: { kind: 'range' as const, min: Date.UTC(1900, 0, 1) } } : feature,
    )
    await api('datasets.setSchema', { params: { dataset: DIGITS }, body: { ...digitsSchema, features } })
    await api('runs.resume', { params: { run: run.id as RunId } })
    const resumed = await team.ended()
    expect(resumed).toMatchObject({ id: run.id, state: 'succeeded', error: null })
    const attempts = Object.fromEntries(resumed.steps.map((step) => [step.name, step.attempts]))
    expect(attempts).toMatchObject({ extract: 1, analyse: 1, 'validate-data': 2, train: 1, release: 1 })
    const { items: rollouts } = await api('rollouts.list', { query: { model: DIGITS } })
    expect(rollouts).toMatchObject([{ candidate: 2, stable: 1, state: 'running' }])
    await api('rollouts.promote', { params: { rollout: rollouts[0]?.id as RolloutId }, body: { reason: 'no devices here' } })
    expect(await team.stable()).toBe(2)
  }, 120_000)

  test('[PIP-137] worse: an arrival whose labels were drawn by lot costs a candidate its release, with its figure and that of the live version', async () => {
    const random = seededRandom(1)
    const run = await team.arrives(await file({ from: 2000, until: 3000, labelOf: () => random.integer(10) }))
    expect(run).toMatchObject({
      state: 'stopped',
      error: {
        code: 'not_blessed',
        step: 'validate-model',
        detail: expect.stringMatching(/accuracy is 0\.\d+, the live version has 0\.\d+: a gain of -0\.\d+ where -0\.002 is needed/),
      },
    })
    expect(states(run)).toMatchObject({ 'validate-data': 'succeeded', train: 'succeeded', register: 'skipped', release: 'skipped' })
    const { items } = await api('alerts.list', { query: {} })
    expect(items).toContainEqual(expect.objectContaining({ kind: 'refused', subject: DIGITS }))
    expect(await api('models.get', { params: { model: DIGITS } })).toMatchObject({ latest: 2, aliases: { stable: 2 } })
  }, 120_000)
})
