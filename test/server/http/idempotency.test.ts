import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ManualClock } from '../../../shared/core/clock.ts'
import type { Handlers } from '../../../server/http/register.ts'
import { createTestServer, manualClock, type TestServer } from '../harness.ts'

let server: TestServer
let clock: ManualClock
let effects = 0

const round = {
  id: 'rnd_01h2xcejqtf2nbrexx3v',
  state: 'open',
  plan: {},
  opened: 0,
  deadline: 1,
  ended: null,
  wanted: 1,
  minimum: 1,
  leases: 0,
  accepted: 0,
  refused: {},
  result: null,
  why: null,
}
const plan = { base: 1, epochs: 1, batchSize: 8, learningRate: 0.1, seed: 1, clipNorm: 1, maxExamples: 10 }

beforeAll(async () => {
  clock = manualClock()
  server = await createTestServer({
    clock,
    handlers: () => [
      {
        // a route of the contract that may be retried, with an effect that can be counted and a moment in which to be overtaken
        'rounds.open': async ({ params, body }: { params: { model: string }; body: { wanted: number } }) => {
          effects++
          await new Promise((resolve) => setImmediate(resolve))
          if (body.wanted === 13) throw new Error('breaks half-way')
          return { ...round, wanted: effects, plan: { ...plan, model: params.model, baseManifest: '0'.repeat(64) } }
        },
      } as unknown as Handlers,
    ],
  })
})
afterAll(() => server.close())

const open = async (key: string | undefined, wanted: number, token = server.keys.editor) => {
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    ...(key === undefined ? {} : { 'idempotency-key': key }),
  }
  const response = await server.request('/v1/models/digits/rounds', {
    method: 'POST',
    headers,
    body: JSON.stringify({ plan, wanted, minimum: 1, durationMs: 1000 }),
  })
  return { status: response.status, body: (await response.json()) as { code?: string; wanted: number } }
}
const effectsOf = async (work: () => Promise<unknown>): Promise<number> => {
  const before = effects
  await work()
  return effects - before
}

test('[HTTP-6] the same request again has one effect and the same answer', async () => {
  expect(await effectsOf(async () => expect(await open('a', 2)).toEqual(await open('a', 2)))).toBe(1)
})

test('[HTTP-6] at the same time, too', async () => {
  expect(
    await effectsOf(async () => {
      const answers = await Promise.all([open('b', 2), open('b', 2), open('b', 2)])
      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
    }),
  ).toBe(1)
})

test('[HTTP-6] another body under the same key is refused and has no effect', async () => {
  await open('c', 2)
  expect(
    await effectsOf(async () => expect(await open('c', 3)).toMatchObject({ status: 422, body: { code: 'idempotency_conflict' } })),
  ).toBe(0)
})

test('[HTTP-6] a key is its caller’s own', async () => {
  expect(await effectsOf(async () => [await open('d', 2), await open('d', 2, server.keys.admin)])).toBe(2)
})

test('[HTTP-6] without a key, each request counts', async () => {
  expect(await effectsOf(async () => [await open(undefined, 2), await open(undefined, 2)])).toBe(2)
})

test('[HTTP-6] a failure is not kept: the request may be repeated', async () => {
  expect(await effectsOf(async () => [await open('e', 13), await open('e', 13)])).toBe(2)
})

test('[HTTP-6] after 24 hours the key is free again', async () => {
  await open('f', 2)
  await clock.advance(24 * 60 * 60 * 1000)
  expect(await effectsOf(() => open('f', 3))).toBe(1)
})

test('[HTTP-6] a key that is no key is refused', async () => {
  expect(await open('two words', 2)).toMatchObject({ status: 400, body: { code: 'invalid_input' } })
})
