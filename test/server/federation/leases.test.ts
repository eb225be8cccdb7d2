import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { must } from '../../../shared/core/assert.ts'
import type { Bytes } from '../../../shared/core/bytes.ts'
import type { LeaseId } from '../../../shared/core/ids.ts'
import { normal, seededRandom } from '../../../shared/core/random.ts'
import type { TestDevice } from '../harness.ts'
import { begin, bodyOf, filled, get, HOUR, MODEL, open, resultOf, submit, takeLease, takePart, world } from './rounds.ts'

afterEach(async () => {
  for (const one of open.splice(0)) {
    expect(one.failures).toEqual([])
    await one.server.close()
  }
})

describe('leases', () => {
  test('[FED-18] a device has one, the same when it asks again; beyond over-selection there are none until some expire', async () => {
    const one = await world()
    const device = await one.server.device('app', [MODEL])
    expect(await takeLease(device)).toBeNull()
    const round = await begin(one, { wanted: 3 })
    const first = must(await takeLease(device), 'a lease')
    expect(first).toMatchObject({ round: round.id, plan: round.plan, expires: one.clock.now() + HOUR / 4 })
    expect(await takeLease(device)).toEqual(first)
    for (let i = 0; i < 3; i++) expect(await takeLease(await one.server.device('app', [MODEL]))).not.toBeNull()
    const waiting = await one.server.device('app', [MODEL])
    expect(await takeLease(waiting)).toBeNull()
    await one.clock.advance(HOUR / 4)
    expect(await takeLease(waiting)).not.toBeNull()
    // who was too slow is told so, and may take the lease again while there is room
    expect(await submit(device, first.id, bodyOf(filled(one, () => 0.1)))).toEqual({
      accepted: false,
      why: expect.stringContaining('expired'),
    })
    expect(await takeLease(device)).toMatchObject({ id: first.id, expires: one.clock.now() + HOUR / 4 })
    expect(await submit(device, first.id, bodyOf(filled(one, () => 0.1)))).toMatchObject({ accepted: true })
    await expect(device.client('leases.take', { params: { model: 'none' } })).rejects.toMatchObject({ code: 'forbidden' })
  })

  test('[FED-19] an update counts once per lease and only from its own device', async () => {
    const one = await world()
    const round = await begin(one)
    const body = bodyOf(filled(one, () => 0.1))
    const { device, lease } = await takePart(one, body)
    expect(await submit(device, lease, body)).toEqual({ accepted: true, why: 'counted before' })
    await expect(submit(device, lease, bodyOf(filled(one, () => 0.2)))).rejects.toMatchObject({ code: 'conflict' })
    expect(await takeLease(device)).toBeNull()
    const other = await one.server.device('app', [MODEL])
    await expect(submit(other, lease, body)).rejects.toMatchObject({ code: 'not_found' })
    await expect(submit(other, `lea_${'0'.repeat(20)}` as LeaseId, body)).rejects.toMatchObject({ code: 'not_found' })
    const twin = must(await takeLease(other), 'a lease')
    const answers = await Promise.allSettled([
      submit(other, twin.id, body),
      submit(other, twin.id, body),
      submit(other, twin.id, bodyOf(filled(one, () => 0.2))),
    ])
    expect(answers.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(1)
    expect(await get(one, round.id)).toMatchObject({ accepted: 2 })
  })
})

describe('crashes', () => {
  test('[FED-20] accepted updates survive a restart, and an interrupted aggregation is done by the next tick', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'shoal-fed-'))
    try {
      const before = await world({ dataFolder: folder })
      const round = await begin(before)
      await takePart(
        before,
        bodyOf(
          filled(before, (i) => 0.01 * i),
          7,
        ),
      )
      await takePart(
        before,
        bodyOf(
          filled(before, (i) => -0.001 * i),
          3,
        ),
      )
      before.blobReads.fail = true
      await takePart(
        before,
        bodyOf(
          filled(before, () => 0.2),
          5,
        ),
      )
      await expect(before.federation.tick()).rejects.toThrow('power cut')
      before.failures.length = 0
      expect(await get(before, round.id)).toMatchObject({ state: 'aggregating', accepted: 3, result: null })
      open.length = 0
      await before.server.close()
      const after = await world({ dataFolder: folder, clock: before.clock, seed: 2 })
      await after.federation.tick()
      const done = await get(after, round.id)
      expect(done).toMatchObject({ state: 'done', accepted: 3 })
      const { tensors } = await resultOf(after, done)
      expect(tensors['dense/bias']?.data[2]).toBeCloseTo(
        must(after.base['dense/bias']?.data[2], 'a value') + (7 * 0.02 - 3 * 0.002 + 5 * 0.2) / 15,
        5,
      )
    } finally {
      for (const one of open.splice(0)) await one.server.close()
      await rm(folder, { recursive: true, force: true })
    }
  })

  test('[FED-21] the same updates give the same bytes, in whatever order they came', async () => {
    const results = new Set<string | null>()
    for (const order of [
      [0, 1, 2],
      [2, 0, 1],
      [1, 2, 0],
    ]) {
      const one = await world()
      const round = await begin(one)
      const random = seededRandom(3)
      const taken: { device: TestDevice; lease: LeaseId; body: Bytes }[] = []
      for (let i = 0; i < 3; i++) {
        const device = await one.server.device('app', [MODEL])
        taken.push({
          device,
          lease: must(await takeLease(device), 'a lease').id,
          body: bodyOf(
            filled(one, () => 0.1 * normal(random)),
            10 + i,
          ),
        })
      }
      for (const i of order) {
        const { device, lease, body } = must(taken[i], 'a lease')
        await submit(device, lease, body)
      }
      await one.federation.tick()
      results.add((await get(one, round.id)).result)
    }
    expect(results.size).toBe(1)
    expect(results.has(null)).toBe(false)
  })
})
