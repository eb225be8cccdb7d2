import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { must } from '../../../shared/core/assert.ts'
import type { DeviceId, RolloutId } from '../../../shared/core/ids.ts'
import { seededRandom, shuffled } from '../../../shared/core/random.ts'
import type { Report } from '../../../shared/stats/report.ts'
import { createWorld, MODEL, newDevice, STABLE } from '../monitoring/world.ts'
import { bareReport, outcomeOf, runFleet } from './fleet.ts'
import { documentOf, rolloutOf, start, world } from './rollout-world.ts'

describe('evidence', () => {
  test('[ROL-12] devices that leave the candidate by themselves are evidence of their own', async () => {
    const one = await world()
    const rollout = await start(one, { stages: [{ share: 0.5, minDevices: 5 }] })
    const devices = await runFleet(one, seededRandom(3), 1000, { candidate: 0.5, stable: 0.5, candidateLeaves: 0.25 })
    expect(devices).toBeLessThan(200)
    const ended = await rolloutOf(one, rollout.id)
    expect(ended).toMatchObject({ state: 'rolled-back', decision: { by: 'evidence' } })
    expect(ended.evidence?.selfRollbacks).toBeGreaterThan(3)
    expect(ended.decision?.reason).toContain('left the candidate by themselves')
  })

  test('[ROL-13] candidates that stay silent hold the rollout: missing data is no success', async () => {
    const one = await world()
    const rollout = await start(one, {
      stages: [
        { share: 0.4, minDevices: 0 },
        { share: 0.5, minDevices: 0 },
      ],
    })
    const random = seededRandom(3)
    for (let hour = 0; hour < 3; hour++) {
      await runFleet(one, random, 30, { candidate: 0, stable: 0.1, silentCandidate: true })
      await one.clock.advance(3_600_000)
      await one.rollouts.tick()
    }
    const held = await rolloutOf(one, rollout.id)
    expect(held).toMatchObject({ state: 'running', stage: 0 })
    expect(held.evidence?.sentence).toContain('other shares than planned')
    expect((await one.monitoring.list({ limit: 10 })).items.map(({ severity, title }) => [severity, title])).toEqual([
      ['warning', 'digits@stable: version 2 is held: devices arrive in other shares than planned'],
    ])
  })

  test('[ROL-14] a device counts once, in the arm of its place in the cohort, for the rollout it names', async () => {
    const one = await world({ rollouts: { batchDevices: 4 } })
    const rollout = await start(one, { stages: [{ share: 0.5, minDevices: 100 }] })
    const random = seededRandom(8)
    const devices: { id: DeviceId; report: Report }[] = []
    for (let i = 0; i < 40; i++) {
      const id = newDevice(random)
      devices.push({ id, report: must(await outcomeOf(one, random, id, { candidate: 0.3, stable: 0.3 }), 'an outcome') })
    }
    const liars = devices.splice(0, 10)
    for (const { id, report } of liars) {
      const { arm } = must(report.firstWindow, 'an outcome')
      await one.monitoring.ingest(id, [
        { ...report, firstWindow: { rollout: rollout.id, stage: 0, arm: arm === 'stable' ? 'candidate' : 'stable', bad: true } },
      ])
    }
    expect((await rolloutOf(one, rollout.id)).evidence).toBeNull()
    for (const { id, report } of devices) {
      await one.monitoring.ingest(id, [report])
      const said = must(report.firstWindow, 'an outcome')
      // the same device again, in another report, with another outcome; and another rollout
      await one.monitoring.ingest(id, [
        bareReport(one, random, { firstWindow: { ...said, bad: !said.bad } }),
        bareReport(one, random, { firstWindow: { ...said, rollout: `rol_${'0'.repeat(20)}` as RolloutId } }),
      ])
    }
    await one.clock.advance(3_600_000)
    await one.rollouts.tick()
    const { evidence } = await rolloutOf(one, rollout.id)
    const bad = (arm: string) => devices.filter(({ report }) => report.firstWindow?.arm === arm && report.firstWindow.bad).length
    const all = (arm: string) => devices.filter(({ report }) => report.firstWindow?.arm === arm).length
    expect(evidence).toMatchObject({
      candidate: { devices: all('candidate'), bad: bad('candidate') },
      stable: { devices: all('stable'), bad: bad('stable') },
    })
  })

  test('[ROL-15] repetition anywhere and any order within a batch leave every e-value as it was', async () => {
    const deliver = async (arrange: (batch: { id: DeviceId; report: Report }[], round: number) => { id: DeviceId; report: Report }[]) => {
      const one = await createWorld({ rollouts: { batchDevices: 1000, batchMs: 1000 } })
      await one.addVersion()
      const rollout = await start(one, { stages: [{ share: 0.3, minDevices: 1000 }], alpha: 1e-9 })
      const random = seededRandom(8)
      for (let round = 0; round < 4; round++) {
        const batch: { id: DeviceId; report: Report }[] = []
        for (let i = 0; i < 20; i++) {
          const id = newDevice(random)
          batch.push({
            id,
            report: must(await outcomeOf(one, random, id, { candidate: 0.4, stable: 0.2, candidateLeaves: 0.2 }), 'an outcome'),
          })
        }
        for (const { id, report } of arrange(batch, round)) await one.monitoring.ingest(id, [report])
        await one.clock.advance(1000)
        await one.rollouts.tick()
      }
      const { history } = await one.rollouts.get(rollout.id)
      await one.close()
      return history
    }
    const expected = await deliver((batch) => batch)
    expect(expected).toHaveLength(4)
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const random = seededRandom(seed)
        const earlier: { id: DeviceId; report: Report }[] = []
        const arranged = await deliver((batch) => {
          const sent = shuffled([...batch, ...batch.slice(0, 7), ...shuffled(earlier, random).slice(0, 9)], random)
          earlier.push(...batch)
          return sent
        })
        expect(arranged).toEqual(expected)
      }),
      { numRuns: 5 },
    )
  })
})

describe('crashes', () => {
  test('[ROL-16] state, alias, release document and alert change together or not at all', async () => {
    const one = await world({ rollouts: { batchDevices: 10 } })
    const rollout = await start(one, { stages: [{ share: 0.5, minDevices: 5 }] })
    const { releases, db } = one.server.services
    const publish = releases.publish
    let broken = true
    // what a crash in the middle of the transaction leaves: nothing of it
    Object.assign(releases, {
      publish: async (...input: Parameters<typeof publish>) => {
        const release = await publish(...input)
        if (broken) throw new Error('power cut')
        return release
      },
    })
    const sequence = (await documentOf(one)).sequence
    await runFleet(one, seededRandom(3), 60, { candidate: 1, stable: 0 })
    expect(one.failures.splice(0).length).toBeGreaterThan(0)
    expect((await rolloutOf(one, rollout.id)).state).toBe('running')
    expect((await documentOf(one)).sequence).toBe(sequence)
    expect((await one.monitoring.list({ limit: 10 })).items).toEqual([])
    broken = false
    await one.rollouts.tick()
    expect((await rolloutOf(one, rollout.id)).state).toBe('rolled-back')
    expect(await documentOf(one)).toMatchObject({ sequence: sequence + 1, rollout: null })
    expect((await one.monitoring.list({ limit: 10 })).items).toHaveLength(1)
    expect(db).toBeDefined()
  })

  test('[ROL-17] after a restart an open rollout goes on, and a release document that does not name it is mended', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'shoal-rol-'))
    try {
      const before = await createWorld({ dataFolder: folder })
      await before.addVersion()
      const rollout = await start(before, { stages: [{ share: 0.5, minDevices: 5 }] })
      await runFleet(before, seededRandom(3), 15, { candidate: 1, stable: 0 })
      await before.server.services.releases.publish({ model: MODEL, alias: STABLE, rollout: null })
      await before.close()
      const after = await createWorld({ dataFolder: folder, clock: before.clock, seed: 8 })
      await after.rollouts.tick()
      expect((await documentOf(after)).rollout).toMatchObject({ id: rollout.id, share: 0.5 })
      const devices = await runFleet(after, seededRandom(4), 200, { candidate: 1, stable: 0 })
      expect(devices).toBeLessThan(40)
      expect((await rolloutOf(after, rollout.id)).state).toBe('rolled-back')
      await after.close()
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
