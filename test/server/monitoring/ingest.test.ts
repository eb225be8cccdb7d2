import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { seededRandom, shuffled } from '../../../shared/core/random.ts'
import type { Report } from '../../../shared/stats/report.ts'
import { createWorld, MODEL, minute, newDevice, newEpoch, type World, type WorldOptions } from './world.ts'

const worlds: World[] = []
const world = async (options: WorldOptions = {}): Promise<World> => {
  const made = await createWorld(options)
  worlds.push(made)
  return made
}
afterEach(async () => {
  for (const one of worlds.splice(0)) {
    expect(one.failures).toEqual([])
    await one.close()
  }
})

/** Reports of a few devices over three hours. */
function someReports(one: World, count = 24): Report[] {
  const random = seededRandom(3)
  const start = minute(one.clock.now())
  return Array.from({ length: count }, (_, i) =>
    one.report({
      random,
      epoch: String(i % 6).repeat(32),
      window: start + (i % 3) * 3_600_000 - 7_200_000,
      sequence: i,
      predictions: 5,
      feedback: 2,
      errorRate: 0.3,
    }),
  )
}

describe('reports.send', () => {
  test('[MON-1] repeated, reordered and late reports leave the windows as one clean delivery does', async () => {
    const clean = await world()
    const device = newDevice(seededRandom(1))
    const reports = someReports(clean)
    expect(await clean.monitoring.ingest(device, reports)).toEqual({ accepted: 24, duplicates: 0, refused: [] })
    const expected = await clean.monitoring.windows({ model: MODEL })
    expect(expected.windows.map((window) => [window.devices, window.reports, window.predictions])).toEqual([
      [2, 8, 40],
      [2, 8, 40],
      [2, 8, 40],
    ])
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.integer({ min: 1, max: 9 }), async (seed, size) => {
        const other = await createWorld()
        const random = seededRandom(seed)
        const sent = shuffled([...reports, ...shuffled(reports, random).slice(0, 10)], random)
        let accepted = 0
        let duplicates = 0
        for (let at = 0; at < sent.length; at += size) {
          const taken = await other.monitoring.ingest(device, sent.slice(at, at + size))
          accepted += taken.accepted
          duplicates += taken.duplicates
          await other.clock.advance(random.integer(600_000))
        }
        expect([accepted, duplicates]).toEqual([24, 10])
        expect((await other.monitoring.windows({ model: MODEL })).windows).toEqual(expected.windows)
        await other.close()
      }),
      { numRuns: 8 },
    )
  })

  test('[MON-2] an impossible report is refused with what is wrong, the rest of the request is taken', async () => {
    const one = await world()
    const phone = await one.server.device('app', [MODEL])
    const [good, cells, calibration, outcomes, more, latency] = someReports(one, 6) as [Report, Report, Report, Report, Report, Report]
    const ink = cells.counters['ink']
    const impossible: Report[] = [
      { ...cells, counters: { ...cells.counters, ink: { ...ink, n: 4 } as never } },
      { ...cells, sequence: 101, counters: { ...cells.counters, weight: ink as never } },
      {
        ...calibration,
        calibration: calibration.calibration && { ...calibration.calibration, correct: calibration.calibration.correct.map(() => 9) },
      },
      { ...outcomes, outcomes: { right: [1, 2], wrong: [0, 0] } },
      { ...more, predictions: 3 },
      { ...latency, latency: latency.latency && { ...latency.latency, n: 77 } },
    ]
    const answer = await phone.client('reports.send', { body: { reports: [...impossible, good] } })
    expect(answer.accepted).toBe(1)
    expect(answer.refused.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5])
    const why = answer.refused.map((refused) => refused.why)
    expect(why[0]).toBe('counters.ink.n is 4 but the cells add up to 5')
    expect(why[1]).toContain('counters.weight has no reference')
    expect(why[2]).toContain('calibration.correct')
    expect(why[3]).toContain('2 right and 2 wrong cells for 3 labels')
    expect(why[4]).toContain('above the limit of 3')
    expect(why[5]).toContain('latency.n is 77')
    const { windows } = await one.monitoring.windows({ model: MODEL })
    expect(windows.map((window) => window.reports)).toEqual([1])
  })

  test('[MON-3] refused are reports of unknown versions, other references, windows too old or in the future', async () => {
    const one = await world()
    const phone = await one.server.device('app', [MODEL, 'other'])
    const [report] = someReports(one, 1) as [Report]
    const now = one.clock.now()
    const answer = await phone.client('reports.send', {
      body: {
        reports: [
          { ...report, version: 9 },
          { ...report, model: 'other' },
          { ...report, manifest: 'a'.repeat(64) },
          { ...report, window: minute(now - 15 * 86_400_000) },
          { ...report, window: minute(now + 7_200_000) },
          { ...report, selfRollbacks: [{ version: 8, code: 'self_test_failed', to: 1 }] },
        ],
      },
    })
    expect(answer).toMatchObject({ accepted: 0, duplicates: 0 })
    expect(answer.refused.map(({ why }) => why)).toEqual([
      'digits has no version 9',
      'there is no model other',
      expect.stringContaining('other references'),
      expect.stringContaining('too long ago'),
      expect.stringContaining('clock is wrong'),
      'digits has no version 8',
    ])
  })

  test('[MON-25] a device reports only on models that its app uses', async () => {
    const one = await world()
    const phone = await one.server.device('clock', ['other'])
    const [first, second] = someReports(one, 2) as [Report, Report]
    expect(await phone.client('reports.send', { body: { reports: [first, { ...second, model: 'other' }] } })).toMatchObject({
      accepted: 0,
      refused: [
        { index: 0, why: 'app clock does not use model digits' },
        { index: 1, why: 'there is no model other' },
      ],
    })
    expect((await one.monitoring.windows({ model: MODEL })).windows).toEqual([])
  })

  test('[MON-4] one device hands in no more than its hourly quota', async () => {
    const one = await world({ monitoring: { maxReportsPerHour: 5, maxPredictionsPerHour: 1000 } })
    const phone = await one.server.device('app', [MODEL])
    const other = await one.server.device('app', [MODEL])
    const reports = someReports(one, 6)
    await expect(phone.client('reports.send', { body: { reports } })).rejects.toMatchObject({ code: 'rate_limited', retryable: true })
    await phone.client('reports.send', { body: { reports: reports.slice(0, 5) } })
    await expect(phone.client('reports.send', { body: { reports: reports.slice(5) } })).rejects.toMatchObject({ code: 'rate_limited' })
    expect(await other.client('reports.send', { body: { reports: reports.slice(5) } })).toMatchObject({ accepted: 1 })
    await one.clock.advance(3_600_000)
    expect(await phone.client('reports.send', { body: { reports: reports.slice(1) } })).toMatchObject({ accepted: 0, duplicates: 5 })
  })

  test('[MON-5] concurrent reports are all counted, and what was acknowledged is there after the process has gone', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'shoal-mon-'))
    try {
      const before = await createWorld({ dataFolder: folder })
      const device = newDevice(seededRandom(1))
      const reports = someReports(before, 120)
      const answers = await Promise.all([...reports, ...reports].map((report) => before.monitoring.ingest(device, [report])))
      expect(answers.reduce((sum, { accepted }) => sum + accepted, 0)).toBe(120)
      const seen = await before.monitoring.windows({ model: MODEL })
      await before.close()
      const after = await createWorld({ dataFolder: folder, clock: before.clock })
      expect(await after.monitoring.windows({ model: MODEL })).toEqual(seen)
      expect(await after.monitoring.ingest(device, reports)).toMatchObject({ accepted: 0, duplicates: 120 })
      await after.close()
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

  test('[MON-6] a window says how well the version did, for how many devices', async () => {
    const one = await world()
    const random = seededRandom(9)
    const window = minute(one.clock.now())
    const device = newDevice(random)
    for (let i = 0; i < 10; i++) {
      const report = one.report({ random, epoch: newEpoch(random), window, predictions: 50, feedback: 20, errorRate: 0.1 })
      await one.monitoring.ingest(device, [
        {
          ...report,
          errors: { timeout: 1 },
          backend: i < 7 ? 'webgpu' : 'cpu',
          selfRollbacks: i === 0 ? [{ version: 1, code: 'output_not_finite', to: null }] : [],
        },
      ])
    }
    const viewer = one.server.client(one.server.keys.viewer)
    const { windows, current } = await viewer('monitoring.windows', { params: { model: MODEL } })
    const [only] = windows
    expect(windows).toHaveLength(1)
    expect(only).toMatchObject({
      version: 1,
      devices: 10,
      reports: 10,
      predictions: 500,
      errors: { timeout: 10 },
      backends: { webgpu: 7, cpu: 3 },
      selfRollbacks: 1,
    })
    expect(only?.from).toBe(Math.floor(window / 3_600_000) * 3_600_000)
    expect(only?.accuracy.n).toBe(200)
    expect(only?.accuracy.value).toBeGreaterThan(0.83)
    expect(only?.accuracy.low).toBeLessThan(only?.accuracy.value ?? 0)
    expect(only?.accuracy.high).toBeGreaterThan(only?.accuracy.value ?? 1)
    expect(only?.estimated.value).toBeCloseTo(0.967, 2)
    expect(only?.latencyMs.p50).toBeGreaterThan(4.8)
    expect(only?.latencyMs.p95).toBeLessThan(7.3)
    expect(only?.features.map(({ feature }) => feature).sort()).toEqual(['confidence', 'ink', 'slant'])
    expect(only?.predictionDrift.feature).toBe('prediction')
    // 20 devices are needed before anything is said
    expect(only?.features[0]).toMatchObject({ status: 'insufficient', needMore: 10 })
    expect(current).toMatchObject({ devices: 10, predictions: 500 })
    expect(
      (await viewer('monitoring.windows', { params: { model: MODEL }, query: { version: '1', since: String(window + 7_200_000) } }))
        .windows,
    ).toEqual([])
    await expect(viewer('monitoring.windows', { params: { model: 'none' } })).rejects.toMatchObject({ code: 'unknown_model' })
  })
})
