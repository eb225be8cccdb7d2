import { afterEach, describe, expect, test } from 'vitest'
import { must } from '../../../shared/core/assert.ts'
import type { Bytes } from '../../../shared/core/bytes.ts'
import type { Slug } from '../../../shared/core/ids.ts'
import { normal, seededRandom } from '../../../shared/core/random.ts'
import { encodeSafetensors } from '../../../shared/tensor/safetensors.ts'
import type { TensorData } from '../../../shared/tensor/tensor.ts'
import { ACTOR, begin, bodyOf, filled, get, HOUR, MODEL, open, PLAN, resultOf, submit, takeLease, takePart, world } from './rounds.ts'

afterEach(async () => {
  for (const one of open.splice(0)) {
    expect(one.failures).toEqual([])
    await one.server.close()
  }
})

describe('a round', () => {
  test('[FED-13] ends with the base moved by the weighted mean, as safetensors and as event, and keeps no contribution', async () => {
    const one = await world()
    const round = await begin(one)
    expect(round).toMatchObject({
      state: 'open',
      wanted: 3,
      minimum: 2,
      leases: 0,
      accepted: 0,
      refused: {},
      result: null,
      plan: { ...PLAN, model: MODEL },
    })
    expect(round.deadline - round.opened).toBe(HOUR)
    await takePart(
      one,
      bodyOf(
        filled(one, () => 0.1),
        10,
      ),
    )
    await takePart(
      one,
      bodyOf(
        filled(one, () => -0.1),
        30,
      ),
    )
    await takePart(
      one,
      bodyOf(
        filled(one, () => 0.2),
        60,
      ),
    )
    await one.federation.tick()
    const done = await one.server.client(one.server.keys.viewer)('rounds.get', { params: { round: round.id } })
    expect(done).toMatchObject({ state: 'done', leases: 3, accepted: 3, why: 'all 3 updates came' })
    const { tensors, metadata } = await resultOf(one, done)
    expect(metadata).toEqual({ round: round.id, model: MODEL, base: '1', updates: '3', examples: '100' })
    for (const [name, { data }] of Object.entries(one.base))
      data.forEach((value, i) => expect(tensors[name]?.data[i]).toBeCloseTo(value + 0.1, 5))
    expect(one.events.filter(({ type }) => type === 'round.changed').map(({ data }) => (data as { state: string }).state)).toEqual([
      'open',
      'open',
      'open',
      'aggregating',
      'done',
    ])
    expect(one.events.at(-1)?.data).toMatchObject({
      round: round.id,
      result: done.result,
      examples: 100,
      norms: { updates: 3, clipped: 0 },
    })
    const left = await one.server.services.db
      .withTables<{ round_updates: { lease: string } }>()
      .selectFrom('round_updates')
      .select('lease')
      .execute()
    expect(left).toEqual([])
  })

  test('[FED-14] one is open for each model; it needs a version that exists and a minimum that fits', async () => {
    const one = await world()
    const round = await begin(one)
    await expect(begin(one)).rejects.toMatchObject({ code: 'conflict', detail: expect.stringContaining(round.id) })
    expect(await one.federation.close(round.id, ACTOR)).toMatchObject({
      state: 'abandoned',
      why: 'closed by test with 0 of the 2 updates that it needs',
    })
    await expect(one.federation.close(round.id, ACTOR)).rejects.toMatchObject({ code: 'conflict' })
    await expect(begin(one, { minimum: 9 })).rejects.toMatchObject({ code: 'invalid_input' })
    await expect(
      one.federation.open({ model: MODEL, plan: { ...PLAN, base: 7 }, wanted: 1, minimum: 1, durationMs: HOUR }),
    ).rejects.toMatchObject({ code: 'unknown_version' })
    await expect(one.federation.open({ model: 'none' as Slug, plan: PLAN, wanted: 1, minimum: 1, durationMs: HOUR })).rejects.toMatchObject(
      { code: 'unknown_model' },
    )
    const second = await begin(one)
    expect((await one.federation.list({ model: MODEL })).map(({ id }) => id).sort()).toEqual([round.id, second.id].sort())
  })

  test('[FED-15] hostile updates are refused by code or clipped; the round ends finite and correct', async () => {
    const one = await world()
    const round = await begin(one, { wanted: 4, minimum: 2 })
    const random = seededRandom(2)
    const honest = filled(one, () => 0.05 * normal(random))
    const shapes = { ...honest, 'output/bias': { dtype: 'float32', shape: [3], data: new Float32Array(3) } satisfies TensorData }
    const { 'output/bias': _, ...missing } = honest
    const hostile: [Bytes, string][] = [
      [bodyOf(filled(one, (i) => (i === 1 ? Number.NaN : 0))), 'output_not_finite'],
      [bodyOf(shapes), 'shape_mismatch'],
      [bodyOf(missing), 'shape_mismatch'],
      [encodeSafetensors(honest), 'invalid_input'],
      [new TextEncoder().encode('<!doctype html>'), 'invalid_document'],
      [bodyOf(honest).slice(0, 100), 'invalid_document'],
    ]
    for (const [body, code] of hostile) {
      const device = await one.server.device('app', [MODEL])
      const lease = must(await takeLease(device), 'a lease')
      await expect(submit(device, lease.id, body)).rejects.toMatchObject({ code })
      // its lease is used up, and the round goes on with others
      await expect(submit(device, lease.id, bodyOf(honest))).rejects.toMatchObject({ code: 'conflict' })
      expect(await takeLease(device)).toBeNull()
    }
    expect(await get(one, round.id)).toMatchObject({
      state: 'open',
      accepted: 0,
      refused: { output_not_finite: 1, shape_mismatch: 2, invalid_input: 1, invalid_document: 2 },
    })
    for (let i = 0; i < 3; i++) await takePart(one, bodyOf(honest, 10))
    const device = await one.server.device('app', [MODEL])
    const lease = must(await takeLease(device), 'a lease')
    expect(
      await submit(
        device,
        lease.id,
        bodyOf(
          filled(one, () => 3e38),
          1e9,
        ),
      ),
    ).toMatchObject({ accepted: true, why: expect.stringContaining('clipped') })
    await one.federation.tick()
    const { tensors } = await resultOf(one, await get(one, round.id))
    // it weighs no more than the 100 examples of the plan, and is no longer than clipNorm
    const length = Math.sqrt(Object.values(one.base).reduce((sum, { data }) => sum + data.length, 0))
    for (const [name, { data }] of Object.entries(one.base)) {
      data.forEach((value, i) =>
        expect(tensors[name]?.data[i]).toBeCloseTo(value + (30 * must(honest[name]?.data[i], 'a value') + 100 * (2 / length)) / 130, 4),
      )
    }
  })

  test('[FED-16] at its deadline a round aggregates what has come, or is abandoned with too little; stragglers are told', async () => {
    const one = await world()
    const round = await begin(one, { wanted: 3, minimum: 2 })
    await takePart(one, bodyOf(filled(one, () => 0.1)))
    await takePart(one, bodyOf(filled(one, () => 0.2)))
    await one.clock.advance(HOUR - 1000)
    const straggler = await one.server.device('app', [MODEL])
    const late = must(await takeLease(straggler), 'a lease')
    expect(late.expires).toBe(round.deadline)
    await one.clock.advance(1000)
    expect(await submit(straggler, late.id, bodyOf(filled(one, () => 9)))).toEqual({
      accepted: false,
      why: expect.stringContaining('too late'),
    })
    await one.federation.tick()
    const done = await get(one, round.id)
    expect(done).toMatchObject({ state: 'done', accepted: 2, why: 'the deadline passed with 2 updates' })
    const { tensors } = await resultOf(one, done)
    expect(tensors['output/bias']?.data[0]).toBeCloseTo(must(one.base['output/bias']?.data[0], 'a value') + 0.15, 5)
    const second = await begin(one)
    await takePart(one, bodyOf(filled(one, () => 0.1)))
    await one.clock.advance(HOUR)
    await one.federation.tick()
    expect(await get(one, second.id)).toMatchObject({
      state: 'abandoned',
      result: null,
      why: 'the deadline passed with 1 of the 2 updates that it needs',
    })
  })

  test('[FED-17] closing by hand aggregates at once what has come', async () => {
    const one = await world()
    const round = await begin(one, { wanted: 10, minimum: 1 })
    await takePart(one, bodyOf(filled(one, () => 0.1)))
    const closed = await one.server.client(one.server.keys.editor)('rounds.close', { params: { round: round.id } })
    expect(closed).toMatchObject({ state: 'done', accepted: 1 })
    expect(closed.result).not.toBeNull()
    await expect(one.server.client(one.server.keys.editor)('rounds.close', { params: { round: round.id } })).rejects.toMatchObject({
      code: 'conflict',
    })
  })
})
