import { afterEach, describe, expect, test } from 'vitest'
import { must } from '../../../shared/core/assert.ts'
import { type Random, seededRandom } from '../../../shared/core/random.ts'
import { createWorld, MODEL, minute, newDevice, newEpoch, type ReportOptions, STABLE, type World, type WorldOptions } from './world.ts'

const ACTOR = { kind: 'system', name: 'test' } as const
const HOUR = 3_600_000

const worlds: World[] = []
const world = async (options: WorldOptions = {}): Promise<World> => {
  const made = await createWorld({ ...options, monitoring: { maxReportsPerHour: 1e6, maxPredictionsPerHour: 1e9, ...options.monitoring } })
  worlds.push(made)
  return made
}
afterEach(async () => {
  for (const one of worlds.splice(0)) {
    expect(one.failures).toEqual([])
    await one.close()
  }
})

/** So many devices report once each; gives back how many it took until `until` was true. */
async function fleet(
  one: World,
  random: Random,
  devices: number,
  options: Partial<ReportOptions> = {},
  until?: () => boolean,
): Promise<number> {
  const device = newDevice(random)
  for (let i = 0; i < devices; i++) {
    if (until?.()) return i
    await one.monitoring.ingest(device, [one.report({ random, epoch: newEpoch(random), window: minute(one.clock.now()), ...options })])
  }
  return devices
}

describe('drift', () => {
  test('[MON-7] a shifted input is found, named, and raised once as alert and event', async () => {
    const one = await world()
    const random = seededRandom(5)
    await fleet(one, random, 100)
    expect(one.eventsOf('monitoring.verdict')).toEqual([])
    const needed = await fleet(one, random, 200, { shift: 0.15 }, () => one.eventsOf('monitoring.verdict').length > 0)
    expect(needed).toBeLessThanOrEqual(60)
    await fleet(one, random, 200, { shift: 0.15 })
    const events = one.eventsOf('monitoring.verdict')
    expect(events).toHaveLength(1)
    expect(events[0]?.data).toMatchObject({ model: MODEL, version: 1, verdict: 'drift', features: ['ink'] })
    const { items } = await one.monitoring.list({ limit: 10 })
    expect(items).toHaveLength(1)
    expect(items[0]).toMatchObject({
      kind: 'drift',
      severity: 'warning',
      subject: MODEL,
      title: 'digits version 1: inputs have drifted (ink)',
    })
    const evidence = items[0]?.evidence as { devices: number; features: { feature: string; effect: number; p: number; n: number }[] }
    expect(evidence.devices).toBeGreaterThanOrEqual(20)
    expect(evidence.features[0]?.feature).toBe('ink')
    expect(evidence.features[0]?.effect).toBeGreaterThan(0.1)
    expect(evidence.features[0]?.p).toBeLessThan(0.001)
    const { current } = await one.monitoring.windows({ model: MODEL })
    expect(current?.features.find(({ feature }) => feature === 'ink')?.status).toBe('drift')
    expect(current?.features.find(({ feature }) => feature === 'slant')?.status).toBe('ok')
  })

  test('[MON-24] a shift of half a standard deviation is found over more devices than a large one, with the same margin', async () => {
    const one = await world()
    const random = seededRandom(5)
    await fleet(one, random, 100)
    const needed = await fleet(one, random, 400, { shift: 0.05 }, () => one.eventsOf('monitoring.verdict').length > 0)
    expect(needed).toBeLessThan(400)
    const shift = await world()
    // a tenth of a standard deviation is below what matters, however many devices show it
    await fleet(shift, random, 800, { shift: 0.01 })
    expect(shift.eventsOf('monitoring.verdict')).toEqual([])
  })

  test('[MON-8] no alarm in 30 days of hourly looks while the world stays as it is', { timeout: 60_000 }, async () => {
    const one = await world()
    const random = seededRandom(11)
    const device = newDevice(random)
    for (let hour = 0; hour < 30 * 24; hour++) {
      const window = minute(one.clock.now())
      await one.monitoring.ingest(
        device,
        Array.from({ length: 20 }, () =>
          one.report({ random, epoch: newEpoch(random), window, predictions: 8, feedback: 3, errorRate: 0.02 }),
        ),
      )
      await one.monitoring.tick()
      await one.clock.advance(HOUR)
    }
    expect(one.eventsOf('monitoring.verdict')).toEqual([])
    expect((await one.monitoring.list({ limit: 10 })).items).toEqual([])
    const { windows } = await one.monitoring.windows({ model: MODEL })
    expect(windows).toHaveLength(720)
  })

  test('[MON-9] nothing is said before there are enough devices, and the window says how many more it needs', async () => {
    const one = await world({ monitoring: { batchDevices: 5 } })
    const random = seededRandom(5)
    await fleet(one, random, 15, { shift: 0.5 })
    const { current } = await one.monitoring.windows({ model: MODEL })
    expect(current?.features.find(({ feature }) => feature === 'ink')).toMatchObject({ status: 'insufficient', needMore: 5 })
    expect(one.eventsOf('monitoring.verdict')).toEqual([])
    await fleet(one, random, 5, { shift: 0.5 })
    expect(one.eventsOf('monitoring.verdict')).toHaveLength(1)
  })

  test('[MON-10] devices that come back count once', async () => {
    const one = await world({ monitoring: { batchDevices: 5, batchMs: 1 } })
    const random = seededRandom(5)
    const epoch = newEpoch(random)
    for (let i = 0; i < 100; i++) {
      await fleet(one, random, 1, { shift: 0.5, epoch, sequence: i })
      await one.clock.advance(10)
    }
    const { current, windows } = await one.monitoring.windows({ model: MODEL })
    expect(current?.devices).toBe(1)
    expect(windows[0]).toMatchObject({ devices: 1, reports: 100 })
    expect(one.eventsOf('monitoring.verdict')).toEqual([])
  })

  test('[MON-11] a verdict is over when no alias points at its version, and may be raised anew for the next', async () => {
    const one = await world()
    const random = seededRandom(5)
    await fleet(one, random, 60, { shift: 0.3 })
    expect(one.eventsOf('monitoring.verdict')).toHaveLength(1)
    const version = await one.addVersion()
    // nothing is raised for a version that is not live
    await fleet(one, random, 60, { shift: 0.3, version })
    expect(one.eventsOf('monitoring.verdict')).toHaveLength(1)
    const { registry } = one.server.services
    await registry.setAlias({ model: MODEL, alias: STABLE, version, reason: 'new' }, ACTOR)
    await fleet(one, random, 60, { shift: 0.3, version })
    expect(one.eventsOf('monitoring.verdict').map(({ data }) => (data as { version: number }).version)).toEqual([1, 2])
    await registry.setAlias({ model: MODEL, alias: STABLE, version: 1, reason: 'back' }, ACTOR)
    await fleet(one, random, 60, { shift: 0.3 })
    expect(one.eventsOf('monitoring.verdict').map(({ data }) => (data as { version: number }).version)).toEqual([1, 2, 1])
  })

  test('[MON-12] a batch that time has ended is judged without another report', async () => {
    const one = await world({ monitoring: { batchDevices: 1000 } })
    const random = seededRandom(5)
    await fleet(one, random, 60, { shift: 0.3 })
    await one.monitoring.tick()
    expect(one.eventsOf('monitoring.verdict')).toEqual([])
    await one.clock.advance(HOUR)
    await one.monitoring.tick()
    expect(one.eventsOf('monitoring.verdict')).toHaveLength(1)
  })
})

describe('degradation', () => {
  test('[MON-13] answers worse than promised by more than the margin are raised once', async () => {
    const one = await world()
    const random = seededRandom(5)
    await fleet(one, random, 60, { feedback: 4, errorRate: 0.02 })
    expect(one.eventsOf('monitoring.verdict')).toEqual([])
    const needed = await fleet(one, random, 400, { feedback: 4, errorRate: 0.3 }, () => one.eventsOf('monitoring.verdict').length > 0)
    expect(needed).toBeLessThanOrEqual(100)
    await fleet(one, random, 100, { feedback: 4, errorRate: 0.3 })
    expect(one.eventsOf('monitoring.verdict').map(({ data }) => data)).toEqual([
      expect.objectContaining({ verdict: 'degradation', version: 1, features: [] }),
    ])
    const { items } = await one.monitoring.list({ limit: 10, kind: 'degradation' })
    expect(items).toHaveLength(1)
    expect(items[0]).toMatchObject({ severity: 'critical' })
    expect((must(items[0], 'an alert').evidence as { high: number }).high).toBeLessThan(0.93)
  })
})

describe('self rollbacks', () => {
  test('[MON-14] devices that leave a version by themselves are counted to it and told of once there are three', async () => {
    const one = await world()
    const version = await one.addVersion()
    const random = seededRandom(5)
    const device = newDevice(random)
    for (let i = 0; i < 5; i++) {
      const report = one.report({ random, epoch: newEpoch(random), window: minute(one.clock.now()) })
      await one.monitoring.ingest(device, [{ ...report, selfRollbacks: [{ version, code: 'self_test_failed', to: 1 }] }])
      expect((await one.monitoring.list({ limit: 10, kind: 'self-rollback' })).items).toHaveLength(i < 2 ? 0 : 1)
    }
    const { windows } = await one.monitoring.windows({ model: MODEL, version })
    expect(windows.map((window) => [window.selfRollbacks, window.devices, window.reports])).toEqual([[5, 0, 0]])
  })
})
