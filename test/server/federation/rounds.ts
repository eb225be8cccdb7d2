import { expect } from 'vitest'
import type { Round } from '../../../shared/contract/federation.ts'
import { must } from '../../../shared/core/assert.ts'
import type { Bytes } from '../../../shared/core/bytes.ts'
import { type ManualClock, manualClock } from '../../../shared/core/clock.ts'
import type { LeaseId, RoundId, Slug } from '../../../shared/core/ids.ts'
import { seededRandom } from '../../../shared/core/random.ts'
import { decodeSafetensors, encodeSafetensors } from '../../../shared/tensor/safetensors.ts'
import type { NamedTensors, TensorData } from '../../../shared/tensor/tensor.ts'
import type { ServerEvent } from '../../../server/events.ts'
import { federationRoutes } from '../../../server/federation/federation-routes.ts'
import { createFederation, type Federation } from '../../../server/federation/federation-service.ts'
import { draftFixture } from '../../fixtures/manifest-draft.ts'
import { createTestServer, type TestDevice, type TestServer } from '../harness.ts'

export const MODEL = 'tiny' as Slug
export const HOUR = 3_600_000
export const ACTOR = { kind: 'system', name: 'test' } as const
export const PLAN = { base: 1, epochs: 1, batchSize: 8, learningRate: 0.1, seed: 1, clipNorm: 2, maxExamples: 100 }

export type World = {
  server: TestServer
  clock: ManualClock
  federation: Federation
  events: ServerEvent[]
  failures: unknown[]
  base: NamedTensors
  blobReads: { fail: boolean }
}
export const open: World[] = []

export async function world({
  dataFolder,
  clock = manualClock(),
  seed = 1,
}: {
  dataFolder?: string
  clock?: ManualClock
  seed?: number
} = {}): Promise<World> {
  const events: ServerEvent[] = []
  const failures: unknown[] = []
  const blobReads = { fail: false }
  let made: Federation | undefined
  const server = await createTestServer({
    clock,
    random: seededRandom(seed),
    ...(dataFolder === undefined ? {} : { dataFolder }),
    handlers: ({ db, blobs, clock, random, events: bus, registry }) => {
      bus.subscribe((event) => events.push(event))
      const unreliable = {
        put: blobs.put,
        read: (...input: Parameters<typeof blobs.read>) => {
          if (blobReads.fail) throw new Error('power cut')
          return blobs.read(...input)
        },
      }
      made = createFederation({
        db,
        blobs: unreliable,
        clock,
        random,
        events: bus,
        registry,
        leaseMs: HOUR / 4,
        onError: (thrown) => failures.push(thrown),
      })
      return [federationRoutes(made)]
    },
  })
  const { draft, pieces } = await draftFixture(1)
  const { registry, blobs } = server.services
  for (const { bytes } of pieces) await blobs.put(bytes)
  await registry.createModel({ name: MODEL, description: '' })
  if ((await registry.listVersions(MODEL)).length === 0) await registry.registerVersion({ model: MODEL, draft, parent: null }, ACTOR)
  const base: Record<string, TensorData> = {}
  for (const { name, shape, piece, offset, bytes } of draft.tensors) {
    base[name] = {
      dtype: 'float32',
      shape,
      data: new Float32Array(must(pieces[piece], 'a piece').bytes.slice(offset, offset + bytes).buffer),
    }
  }
  const one: World = { server, clock, federation: must(made, 'the federation'), events, failures, base, blobReads }
  open.push(one)
  return one
}
export const begin = (one: World, more: { wanted?: number; minimum?: number; durationMs?: number } = {}): Promise<Round> =>
  one.server.client(one.server.keys.editor)('rounds.open', {
    params: { model: MODEL },
    body: { plan: PLAN, wanted: 3, minimum: 2, durationMs: HOUR, ...more },
  })

export const takeLease = async (device: TestDevice) => (await device.client('leases.take', { params: { model: MODEL } })).lease
export const submit = (device: TestDevice, lease: LeaseId, body: Bytes) => device.client('updates.submit', { params: { lease }, body })

export const filled = (one: World, value: (i: number) => number): NamedTensors =>
  Object.fromEntries(
    Object.entries(one.base).map(([name, { shape, data }]) => [
      name,
      { dtype: 'float32', shape, data: Float32Array.from(data, (_, i) => value(i)) } satisfies TensorData,
    ]),
  )
export const bodyOf = (tensors: NamedTensors, examples = 10): Bytes => encodeSafetensors(tensors, { examples: String(examples) })

export async function takePart(one: World, body: Bytes): Promise<{ device: TestDevice; lease: LeaseId }> {
  const device = await one.server.device('app', [MODEL])
  const lease = must(await takeLease(device), 'a lease')
  expect(await submit(device, lease.id, body)).toMatchObject({ accepted: true })
  return { device, lease: lease.id }
}

export const resultOf = async (one: World, round: Round) =>
  decodeSafetensors(await one.server.services.blobs.read(must(round.result, 'a result')))
export const get = (one: World, id: RoundId) => one.federation.get(id)
