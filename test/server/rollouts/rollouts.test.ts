import { describe, expect, test } from 'vitest'
import { rolloutPolicy } from '../../../shared/contract/rollouts.ts'
import type { RolloutId } from '../../../shared/core/ids.ts'
import { seededRandom } from '../../../shared/core/random.ts'
import { MODEL, newDevice, STABLE } from '../monitoring/world.ts'
import { outcomeOf, runFleet } from './fleet.ts'
import { ACTOR, documentOf, rolloutOf, start, world } from './rollout-world.ts'

describe('starting', () => {
  test('[ROL-1] a version that is unknown, revoked, stable already, or under an alias that points nowhere is not rolled out', async () => {
    const one = await world()
    const releaser = one.server.client(one.server.keys.releaser)
    const begin = (candidate: number, alias = 'stable', model = 'digits') =>
      releaser('rollouts.start', { params: { model }, body: { candidate, alias, reason: 'r' } })
    await expect(begin(9)).rejects.toMatchObject({ code: 'unknown_version' })
    await expect(begin(2, 'stable', 'none')).rejects.toMatchObject({ code: 'unknown_model' })
    await expect(begin(1)).rejects.toMatchObject({ code: 'conflict' })
    await expect(begin(2, 'beta')).rejects.toMatchObject({ code: 'conflict' })
    await expect(
      one.server.client(one.server.keys.editor)('rollouts.start', { params: { model: 'digits' }, body: { candidate: 2, reason: 'r' } }),
    ).rejects.toMatchObject({ code: 'forbidden' })
    await one.server.services.registry.revokeVersion({ model: MODEL, version: 2, reason: 'leaks' }, ACTOR)
    await expect(begin(2)).rejects.toMatchObject({ code: 'version_revoked' })
    await expect(
      start(
        one,
        {
          stages: [
            { share: 0.3, minDevices: 1 },
            { share: 0.2, minDevices: 1 },
          ],
        },
        await one.addVersion(),
      ),
    ).rejects.toMatchObject({ code: 'invalid_input' })
    expect((await releaser('rollouts.list')).items).toEqual([])
    expect((await documentOf(one)).rollout).toBeNull()
  })

  test('[ROL-2] one rollout runs for each model and alias', async () => {
    const one = await world()
    const first = await start(one)
    const third = await one.addVersion()
    await expect(start(one, {}, third)).rejects.toMatchObject({ code: 'conflict', detail: expect.stringContaining(first.id) })
    const attempts = await Promise.allSettled([one.rollouts.rollback(first.id, 'no', ACTOR), start(one, {}, third), start(one, {}, third)])
    expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(2)
    expect((await one.rollouts.list({ model: MODEL })).filter(({ ended }) => ended === null)).toHaveLength(1)
  })

  test('[ROL-3] with the rollout the release document names candidate, share, salt and first window', async () => {
    const one = await world()
    const before = await documentOf(one)
    const rollout = await start(one, { firstWindow: 7 })
    expect(rollout).toMatchObject({
      state: 'running',
      stage: 0,
      share: 0.1,
      candidate: 2,
      stable: 1,
      decision: null,
      evidence: null,
      ended: null,
    })
    const after = await documentOf(one)
    expect(after.sequence).toBeGreaterThan(before.sequence)
    expect(after.rollout).toMatchObject({
      id: rollout.id,
      mode: 'canary',
      share: 0.1,
      stage: 0,
      firstWindow: 7,
      candidate: { version: 2, manifest: one.manifests.get(2) },
    })
    expect(after.rollout?.salt).toMatch(/^[0-9a-f]{32}$/)
    expect(one.eventsOf('rollout.changed').map(({ data }) => data)).toEqual([
      expect.objectContaining({ rollout: rollout.id, state: 'running', stage: 0 }),
    ])
    expect(await one.server.client(one.server.keys.viewer)('rollouts.get', { params: { rollout: rollout.id } })).toEqual({
      rollout,
      history: [],
    })
  })
})

describe('deciding', () => {
  test('[ROL-4] a broken candidate is rolled back by evidence from a few devices, told of, and refused from then on', async () => {
    const one = await world()
    const rollout = await start(one)
    const devices = await runFleet(one, seededRandom(3), 1000, { candidate: 0.95, stable: 0.05 })
    expect(devices).toBeLessThan(120)
    const ended = await rolloutOf(one, rollout.id)
    expect(ended).toMatchObject({ state: 'rolled-back', decision: { by: 'evidence' } })
    expect(ended.evidence?.logRollback).toBeGreaterThanOrEqual(Math.log(100))
    expect(ended.evidence?.candidate.devices).toBeLessThan(15)
    expect(ended.decision?.reason).toContain('candidate devices were bad')
    expect((await documentOf(one)).rollout).toBeNull()
    expect((await documentOf(one)).stable.version).toBe(1)
    const { items } = await one.monitoring.list({ limit: 10, kind: 'rollback' })
    expect(items).toHaveLength(1)
    expect(items[0]).toMatchObject({ severity: 'critical', subject: MODEL, evidence: { rollout: rollout.id, candidate: 2 } })
    await expect(start(one)).rejects.toMatchObject({ code: 'conflict', detail: expect.stringContaining('was refused') })
    expect((await one.server.services.registry.getVersion(MODEL, 2)).revoked).toBeNull()
  })

  test('[ROL-5] a candidate that is no worse passes every stage and is promoted by evidence: the alias moves with the reason', async () => {
    const one = await world()
    const rollout = await start(one)
    await runFleet(one, seededRandom(4), 3000, { candidate: 0.2, stable: 0.2 })
    const { rollout: ended, history } = await one.rollouts.get(rollout.id)
    expect(ended).toMatchObject({ state: 'promoted', stage: 2, decision: { by: 'evidence' } })
    expect(ended.evidence?.logPromote).toBeGreaterThanOrEqual(Math.log(20))
    expect(history.map(({ stage }) => stage)).toEqual(history.map(({ stage }) => stage).toSorted((a, b) => a - b))
    expect(new Set(history.map(({ stage }) => stage))).toEqual(new Set([0, 1, 2]))
    expect(history.every(({ sentence }) => sentence.length > 20)).toBe(true)
    const document = await documentOf(one)
    expect(document.rollout).toBeNull()
    expect(document.stable.version).toBe(2)
    const [change] = await one.server.services.registry.aliasHistory(MODEL, STABLE)
    expect(change).toMatchObject({ from: 1, to: 2, by: 'rollouts', reason: expect.stringContaining(rollout.id) })
    expect((await one.monitoring.list({ limit: 10 })).items).toEqual([])
  })

  test('[ROL-6] a stage goes on only when its devices have reported, and the document says so at once', async () => {
    const one = await world({ rollouts: { batchDevices: 10 } })
    const rollout = await start(one, {
      stages: [
        { share: 0.5, minDevices: 10 },
        { share: 0.8, minDevices: 40 },
      ],
    })
    await runFleet(one, seededRandom(4), 12, { candidate: 0, stable: 0 })
    expect(await rolloutOf(one, rollout.id)).toMatchObject({ stage: 0, share: 0.5 })
    expect((await rolloutOf(one, rollout.id)).evidence?.needMore).toBeGreaterThan(0)
    await runFleet(one, seededRandom(5), 30, { candidate: 0, stable: 0 })
    expect(await rolloutOf(one, rollout.id)).toMatchObject({ stage: 1, share: 0.8 })
    expect((await documentOf(one)).rollout).toMatchObject({ stage: 1, share: 0.8 })
  })

  test('[ROL-6] a small fleet whose cohort has few candidates by chance does not wait for ever: half of the candidates are enough among many devices', async () => {
    const one = await world({ rollouts: { batchDevices: 10 } })
    const rollout = await start(one, {
      stages: [
        { share: 0.1, minDevices: 5 },
        { share: 0.8, minDevices: 100 },
      ],
    })
    const random = seededRandom(14)
    /** So many devices of one side report well. */
    const report = async (side: 'candidate' | 'stable', count: number) => {
      for (let reported = 0; reported < count; ) {
        const device = newDevice(random)
        const said = await outcomeOf(one, random, device, { candidate: 0, stable: 0 })
        if (said?.firstWindow?.arm !== side) continue
        await one.monitoring.ingest(device, [said])
        reported++
      }
      await one.clock.advance(3_600_000)
      await one.rollouts.tick()
      return (await rolloutOf(one, rollout.id)).stage
    }
    expect(await report('stable', 72)).toBe(0)
    expect(await report('candidate', 2)).toBe(0)
    expect(await report('stable', 2)).toBe(0)
    expect(await report('candidate', 1)).toBe(1)
  })

  test('[ROL-7] with promoteAfterDevices a candidate without evidence of harm is promoted after so many, a doubtful one is not', async () => {
    const one = await world()
    const policy = { stages: [{ share: 0.5, minDevices: 5 }], promoteAfterDevices: 30 }
    const rollout = await start(one, policy)
    await runFleet(one, seededRandom(6), 200, { candidate: 0, stable: 0.01 })
    expect(await rolloutOf(one, rollout.id)).toMatchObject({ state: 'promoted', decision: { by: 'policy' } })
    const other = await world()
    const doubtful = await start(other, { ...policy, alpha: 1e-30 })
    await runFleet(other, seededRandom(6), 200, { candidate: 0.5, stable: 0.02 })
    const held = await rolloutOf(other, doubtful.id)
    expect(held.state).toBe('running')
    expect(held.evidence?.candidate.devices).toBeGreaterThan(60)
    expect(held.evidence?.sentence).toContain('looks worse')
  })

  test('[ROL-8] without an answer by its longest life it is inconclusive, waits for a person, then goes back; nothing is promoted', async () => {
    const one = await world()
    const rollout = await start(one, { maxDurationMs: 10_000 })
    await one.rollouts.tick()
    expect((await rolloutOf(one, rollout.id)).state).toBe('running')
    await one.clock.advance(10_000)
    await one.rollouts.tick()
    await one.rollouts.tick()
    expect(await rolloutOf(one, rollout.id)).toMatchObject({ state: 'inconclusive', ended: null })
    expect((await documentOf(one)).rollout?.id).toBe(rollout.id)
    expect((await one.monitoring.list({ limit: 10 })).items.map(({ title }) => title)).toEqual(['digits@stable: version 2 is inconclusive'])
    await expect(start(one, {}, await one.addVersion())).rejects.toMatchObject({ code: 'conflict' })
    await one.clock.advance(1000)
    await one.rollouts.tick()
    expect(await rolloutOf(one, rollout.id)).toMatchObject({ state: 'rolled-back', decision: { by: 'policy' } })
    expect((await documentOf(one)).rollout).toBeNull()
    expect((await documentOf(one)).stable.version).toBe(1)
    // nothing was shown against it: it may be tried again, and a person may promote it while it waits
    const again = await start(one, { maxDurationMs: 10_000 })
    await one.clock.advance(10_000)
    await one.rollouts.tick()
    expect(await one.rollouts.promote(again.id, 'good enough', ACTOR)).toMatchObject({
      state: 'promoted',
      decision: { by: 'test', reason: 'good enough' },
    })
  })

  test('[ROL-9] a person promotes or rolls back with a reason, once; a version taken back by hand may be tried again', async () => {
    const one = await world()
    const releaser = one.server.client(one.server.keys.releaser)
    const first = await start(one)
    const back = await releaser('rollouts.rollback', { params: { rollout: first.id }, body: { reason: 'a typo' } })
    expect(back).toMatchObject({ state: 'rolled-back', decision: { reason: 'a typo', by: expect.stringContaining('test releaser') } })
    expect((await documentOf(one)).rollout).toBeNull()
    await expect(releaser('rollouts.promote', { params: { rollout: first.id }, body: { reason: 'x' } })).rejects.toMatchObject({
      code: 'conflict',
    })
    const second = await start(one)
    expect(await releaser('rollouts.promote', { params: { rollout: second.id }, body: { reason: 'hurry' } })).toMatchObject({
      state: 'promoted',
    })
    expect(await one.server.services.registry.aliasTarget(MODEL, STABLE)).toBe(2)
    await expect(releaser('rollouts.rollback', { params: { rollout: second.id }, body: { reason: 'x' } })).rejects.toMatchObject({
      code: 'conflict',
    })
    await expect(
      releaser('rollouts.rollback', { params: { rollout: `rol_${'0'.repeat(20)}` as RolloutId }, body: { reason: 'x' } }),
    ).rejects.toMatchObject({ code: 'not_found' })
  })

  test('[ROL-10] a candidate that is revoked while it rolls out is taken back', async () => {
    const one = await world()
    const rollout = await start(one)
    await one.server.services.registry.revokeVersion({ model: MODEL, version: 2, reason: 'leaks' }, ACTOR)
    await one.rollouts.tick()
    expect(await rolloutOf(one, rollout.id)).toMatchObject({ state: 'rolled-back', decision: { reason: expect.stringContaining('leaks') } })
  })

  test('[ROL-11] in an A/B test stages grow and harm is rolled back, but a person promotes; in the shadow nothing moves', async () => {
    for (const [mode, stage] of [
      ['ab', 1],
      ['shadow', 0],
    ] as const) {
      const one = await world()
      const policy = rolloutPolicy.parse({
        stages: [
          { share: 0.4, minDevices: 5 },
          { share: 0.5, minDevices: 10 },
        ],
        promoteAfterDevices: 20,
      })
      const rollout = await one.rollouts.start({ model: MODEL, alias: STABLE, candidate: 2, mode, policy, reason: 'r' }, ACTOR)
      await runFleet(one, seededRandom(6), 150, { candidate: 0, stable: 0 })
      expect(await rolloutOf(one, rollout.id)).toMatchObject({ state: 'running', stage })
      await runFleet(one, seededRandom(7), 300, { candidate: 0.9, stable: 0.05 })
      expect(await rolloutOf(one, rollout.id)).toMatchObject({ state: 'rolled-back' })
    }
  })
})
