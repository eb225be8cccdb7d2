import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Contribution } from '../../../client/sdk/api.ts'
import { decodeModel } from '../../../server/pipeline/data/model-file.ts'
import { digitsFederated } from '../../../server/pipelines/digits-federated.ts'
import type { Round } from '../../../shared/contract/federation.ts'
import type { RunDetail } from '../../../shared/contract/pipelines.ts'
import { must } from '../../../shared/core/assert.ts'
import { utf8 } from '../../../shared/core/bytes.ts'
import type { Sha256 } from '../../../shared/core/digest.ts'
import type { ArtifactId } from '../../../shared/core/ids.ts'
import { decodeSafetensors } from '../../../shared/tensor/safetensors.ts'
import { digitsOf, nodeTrainer, teach } from '../../client/sdk/training/learner.ts'
import { createFleet, type Fleet } from '../../simulator/fleet.ts'
import { createTestServer, type ManualClock, manualClock, type TestServer } from '../harness.ts'
import { addDigits, DIGITS, publishBase, roundIn, until } from './federated-world.ts'

const HONEST = 10
const EACH = 40
const MINUTE = 60_000

let clock: ManualClock
let server: TestServer
let fleet: Fleet
let contributions: readonly Contribution[]
let round: Round
let detail: RunDetail

const output = (step: string, name: string) => must(detail.steps.find((one) => one.name === step)?.outputs[name], `${step}.${name}`)

/** One device for each pair of labels: nobody has seen all digits. */
async function everybodyLearns(): Promise<Contribution[]> {
  return fleet.each(async ({ number, shoal }) => {
    const model = await shoal.load(DIGITS)
    await teach(model, digitsOf([number % 10, (number + 3) % 10], EACH, 1000 + 300 * number))
    return model.contribute()
  }, 4)
}

beforeAll(async () => {
  clock = manualClock()
  server = await createTestServer({ clock })
  await publishBase(server)
  await addDigits(server, { from: 6000, train: 800, test: 400 })
  await server.services.pipelines.define(digitsFederated)
  const { id } = await server.services.pipelines.startRun('digits-federated', {
    params: {
      wanted: HONEST + 2,
      minimum: 5,
      durationMs: MINUTE,
      leastAccuracy: 0.65,
      leastGain: 0.05,
      epochs: 3,
      learningRate: 0.1,
      clipNorm: 2,
    },
    reason: 'a test',
    by: 'tests',
  })
  fleet = await createFleet({
    fetch: server.request,
    app: DIGITS,
    count: HONEST,
    seed: 5,
    clock,
    trainer: nodeTrainer(),
    consent: { statistics: false, training: true },
  })
  round = await roundIn(server, 'open')
  contributions = await everybodyLearns()
  const take = async () => {
    const device = await server.device(DIGITS)
    return { device, lease: must((await device.client('leases.take', { params: { model: DIGITS } })).lease, 'a lease') }
  }
  const hostile = await take()
  await hostile.device
    .client('updates.submit', { params: { lease: hostile.lease.id }, body: utf8('<!doctype html>') })
    .catch(() => undefined)
  // and one that takes a lease and is never heard of again
  await take()
  await clock.advance(MINUTE)
  await server.services.federation.tick()
  round = await server.services.federation.get(round.id)
  await until('the end of the run', async () => {
    detail = await server.services.pipelines.run(id)
    return detail.state === 'running' || detail.state === 'queued' ? undefined : detail
  })
}, 30_000)
afterAll(async () => {
  await fleet.dispose()
  await server.close()
})

test('[FED-22] a round over devices that each know two digits ends at its deadline with what came; garbage is refused, silence costs nothing', () => {
  expect(contributions).toHaveLength(HONEST)
  for (const contribution of contributions)
    expect(contribution).toMatchObject({ outcome: 'contributed', round: round.id, version: 1, examples: EACH })
  expect(round).toMatchObject({
    state: 'done',
    leases: HONEST + 2,
    accepted: HONEST,
    refused: { invalid_document: 1 },
    why: `the deadline passed with ${HONEST} updates`,
  })
})

test('[FED-23] the pipeline makes the aggregate a model, evaluates it against the live version, registers it with its round, and sends it to a share of the devices', async () => {
  expect(detail).toMatchObject({ state: 'succeeded', error: null })
  const { tensors } = decodeModel(await server.services.blobs.read(output('federate', 'model').digest as Sha256))
  const aggregate = decodeSafetensors(await server.services.blobs.read(must(round.result, 'a result')))
  for (const [name, { data }] of Object.entries(aggregate.tensors)) expect(tensors[name]?.data).toEqual(data)
  const blessing = await server.client(server.keys.viewer)('artifacts.content', {
    params: { artifact: output('validate-model', 'blessing').id as ArtifactId },
  })
  const { candidate, live } = (await blessing.json()) as Record<'candidate', Record<string, number>> & {
    live: { metrics: Record<string, number> }
  }
  expect(candidate['accuracy']).toBeGreaterThan((live.metrics['accuracy'] ?? 1) + 0.05)
  expect(await server.services.registry.manifestOf(DIGITS, 2)).toMatchObject({
    version: 2,
    parent: 1,
    lineage: { run: detail.id, round: round.id, dataset: 'digits' },
    metrics: { accuracy: candidate['accuracy'] },
    transforms: [{ kind: 'image-scale', input: 'pixels' }],
  })
  expect(await server.services.registry.getModel(DIGITS)).toMatchObject({ latest: 2, aliases: { stable: 1 } })
  expect((await server.client(server.keys.viewer)('rollouts.list')).items).toMatchObject([{ candidate: 2, stable: 1, state: 'running' }])
})

test('[FED-23] what came of the round runs on the devices that took part', async () => {
  const { items } = await server.client(server.keys.viewer)('rollouts.list')
  await server.client(server.keys.releaser)('rollouts.promote', {
    params: { rollout: must(items[0], 'a rollout').id },
    body: { reason: 'a test' },
  })
  const [device] = fleet.devices
  const model = await must(device, 'a device').shoal.load(DIGITS)
  expect(await model.checkForUpdate()).toEqual({ outcome: 'updated', version: 2 })
  // their examples stayed: the next round finds them
  expect(await model.keptExamples()).toBe(EACH)
})
