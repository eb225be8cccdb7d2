import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { must } from '../../../shared/core/assert.ts'
import { normal, seededRandom, shuffled } from '../../../shared/core/random.ts'
import { type Counters, startCounting } from '../../../shared/stats/counters.ts'
import { stepAccuracyWatch } from '../../../server/monitoring/accuracy-watch.ts'
import { startDetector } from '../../../server/monitoring/detector.ts'
import { stepFeatureWatch } from '../../../server/monitoring/feature-watch.ts'
import { monitoringStore } from '../../../server/monitoring/monitoring-store.ts'
import { MONITORING_SETTINGS } from '../../../server/monitoring/settings.ts'
import { judgeDrift, POOL_SIZES, startWatch, takeBatch } from '../../../server/monitoring/watch.ts'
import { emptyTotals, mergeTotals, reportTotals, selfRollbackTotals, type WindowTotals } from '../../../server/monitoring/window-totals.ts'
import { createWorld, draft, LABELS, MODEL, minute, newDevice, newEpoch } from './world.ts'

test('[MON-19] totals add up to the same in any order and grouping', async () => {
  const one = await createWorld()
  const random = seededRandom(2)
  const totals = Array.from({ length: 12 }, (_, i) =>
    i % 4 === 3
      ? selfRollbackTotals(i % 8 === 3 ? 'timeout' : 'self_test_failed')
      : reportTotals({
          ...one.report({ random, epoch: newEpoch(random), window: 0, predictions: 9, feedback: 3, errorRate: 0.5 }),
          errors: { timeout: i },
        }),
  )
  const sum = (parts: readonly WindowTotals[]) => parts.reduce(mergeTotals, emptyTotals())
  const expected = sum(totals)
  fc.assert(
    fc.property(fc.integer(), fc.nat(12), (seed, cut) => {
      const order = shuffled(totals, seededRandom(seed))
      expect(mergeTotals(sum(order.slice(0, cut)), sum(order.slice(cut)))).toEqual(expected)
    }),
  )
  await one.close()
})

test('[MON-20] repetition anywhere and any order within a batch leave the watch and its e-values as they were', async () => {
  const deliver = async (seed: number | null) => {
    const one = await createWorld({ monitoring: { batchDevices: 1000 } })
    const random = seededRandom(2)
    const device = newDevice(random)
    const start = one.clock.now()
    const all = Array.from({ length: 60 }, (_, i) =>
      one.report({
        random,
        epoch: newEpoch(random),
        window: minute(start),
        sequence: i,
        predictions: 10,
        shift: i < 30 ? 0 : 0.1,
        feedback: 2,
        errorRate: 0.3,
      }),
    )
    const mix = seededRandom(seed ?? 0)
    for (let hour = 0; hour < 3; hour++) {
      const fresh = all.slice(hour * 20, hour * 20 + 20)
      const sent = seed === null ? fresh : shuffled([...fresh, ...shuffled(all.slice(0, hour * 20 + 20), mix).slice(0, 15)], mix)
      for (const report of sent) await one.monitoring.ingest(device, [report])
      await one.clock.advance(3_600_000)
      await one.monitoring.tick()
    }
    const watch = await monitoringStore(one.server.services.db).watch({ model: MODEL, version: 1 })
    const { windows } = await one.monitoring.windows({ model: MODEL })
    expect(one.failures).toEqual([])
    await one.close()
    return { watch, windows }
  }
  const expected = await deliver(null)
  expect(expected.watch?.taken).toBe(3)
  for (const seed of [1, 2, 3]) expect(await deliver(seed)).toEqual(expected)
})

describe('false alarms', () => {
  const manifest = { ...draft('x'), type: 'manifest' as const, model: MODEL, version: 1, parent: null, created: 0 }

  /** One batch of devices whose people each have a hand of their own: a fifth of the variance lies between them. */
  function batchOf(random: ReturnType<typeof seededRandom>, devices: number, shift: number): Counters {
    const counting = startCounting(manifest.references)
    for (let d = 0; d < devices; d++) {
      const ink = 0.3 + shift + 0.1 * Math.sqrt(0.2) * normal(random)
      const slant = 5 * Math.sqrt(0.2) * normal(random)
      for (let i = 0; i < 15; i++) {
        counting.observeRow({
          ink: ink + 0.1 * Math.sqrt(0.8) * normal(random),
          slant: slant + 5 * Math.sqrt(0.8) * normal(random),
          prediction: LABELS[random.integer(3)],
          confidence: 1 - 0.1 * random.uniform() ** 2,
        })
      }
    }
    return counting.take()
  }

  test('[MON-21] people with hands of their own are no drift: 90 days of hours without a verdict, a shift found in two batches', () => {
    const random = seededRandom(31)
    let state = startWatch()
    const recent: WindowTotals[] = []
    const live = (shift: number) => {
      const totals: WindowTotals = { ...emptyTotals(), predictions: 300, counters: batchOf(random, 20, shift) }
      recent.unshift(totals)
      state = takeBatch(state, { number: state.taken + 1, totals, devices: 20, feedbackDevices: 0 }, manifest, MONITORING_SETTINGS)
      if (state.alarmed.length === 0) return null
      const sizes = POOL_SIZES.filter((size) => size <= recent.length)
      const pools = sizes.map((batches) => ({ totals: recent.slice(0, batches).reduce(mergeTotals), devices: 20 * batches, batches }))
      const judged = judgeDrift(state, pools, manifest, MONITORING_SETTINGS)
      state = judged.state
      return judged.verdict
    }
    for (let hour = 0; hour < 90 * 24; hour++) expect(live(0)).toBeNull()
    let verdict = null
    let batches = 0
    while (verdict === null && batches < 10) {
      batches++
      verdict = live(0.15)
    }
    expect(batches).toBeLessThanOrEqual(2)
    expect(verdict?.features).toEqual(['ink'])
  })

  test('[MON-22] the accuracy watch raises no more than alpha alarms a batch while the error rate is what is allowed', () => {
    const random = seededRandom(5)
    const terms = { allowed: 0.07, alpha: 1 / 50, correlation: 0 }
    let state = startDetector()
    for (let batch = 0; batch < 20_000; batch++) {
      let wrong = 0
      for (let i = 0; i < 20; i++) if (random.uniform() < terms.allowed) wrong++
      state = stepAccuracyWatch(state, { wrong, n: 20, devices: 20 }, terms).state
    }
    expect(state.alarms).toBeGreaterThan(0)
    expect(state.alarms / state.batches).toBeLessThanOrEqual(terms.alpha)
    const worse = stepAccuracyWatch(startDetector(), { wrong: 12, n: 20, devices: 20 }, terms)
    expect(worse.alarm).toBe(true)
  })

  test('[MON-23] the watch of a feature raises no more than alpha alarms a batch, and small changes add up over batches', () => {
    const random = seededRandom(6)
    const reference = must(manifest.references['ink'], 'ink')
    const terms = { alpha: 1 / 50, tolerance: 0, devices: 0, correlation: 0 }
    const step = (state: ReturnType<typeof startDetector>, shift: number) => {
      const counting = startCounting({ ink: reference })
      for (let i = 0; i < 40; i++) counting.observe('ink', 0.3 + shift + 0.1 * normal(random))
      return stepFeatureWatch(state, reference, must(counting.take()['ink'], 'ink'), terms).state
    }
    let state = startDetector()
    for (let batch = 0; batch < 5000; batch++) state = step(state, 0)
    expect(state.alarms / state.batches).toBeLessThanOrEqual(terms.alpha)
    state = startDetector()
    // half a standard deviation, which no single batch of 40 values shows
    for (let batch = 0; batch < 60 && state.alarms === 0; batch++) state = step(state, 0.05)
    expect(state.alarms).toBe(1)
    expect(state.batches).toBeGreaterThan(2)
    const empty = must(startCounting({ ink: reference }).take()['ink'], 'ink')
    expect(stepFeatureWatch(state, reference, empty, terms)).toEqual({ state, alarm: false })
  })
})
