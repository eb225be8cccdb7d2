import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../shared/core/json.ts'
import { TRIGGER_KINDS } from '../../../shared/contract/pipelines.ts'
import { checkTriggerSettings } from '../../../server/pipeline/trigger-settings.ts'
import { considerTrigger, type TriggerFacts } from '../../../server/pipeline/triggers.ts'

const NOW = Date.UTC(2026, 4, 4, 12)
const HOUR = 60 * 60 * 1000
const facts = (some: Partial<TriggerFacts> = {}): TriggerFacts => ({
  now: NOW,
  since: NOW - 24 * HOUR,
  lastFired: null,
  lastDue: null,
  spent: { runs: 0, minutes: 0 },
  verdict: null,
  newExamples: 0,
  allExamples: 0,
  newSpans: 0,
  newestSpan: 0,
  stable: 3,
  underway: null,
  rollout: null,
  demand: null,
  ...some,
})
const verdict = { model: 'digits', version: 3, features: ['brightness', 'ink'], detail: 'p = 0.0001 on 40 devices' }

describe('triggers', () => {
  test('[PIP-25] on demand fires for whoever asks, each time', () => {
    expect(considerTrigger('demand', {}, facts({ demand: { by: 'ana', reason: 'new idea' } }))).toEqual({
      fired: true,
      code: 'fired',
      why: 'asked for by ana: new idea',
      dedupeKey: null,
    })
    expect(considerTrigger('demand', {}, facts())).toMatchObject({ fired: false })
  })

  test('[PIP-26] on schedule fires once for each moment that has come, in its time zone, and never for missed ones beside the last', () => {
    const daily = { cron: '30 9 * * *', timeZone: 'Europe/Berlin' }
    // 9:30 in Berlin in May is 7:30 UTC
    expect(considerTrigger('schedule', daily, facts())).toMatchObject({ fired: true, dedupeKey: `schedule:${Date.UTC(2026, 4, 4, 7, 30)}` })
    expect(considerTrigger('schedule', daily, facts({ lastFired: Date.UTC(2026, 4, 4, 7, 31) }))).toMatchObject({
      fired: false,
      code: 'not-due',
    })
    expect(considerTrigger('schedule', daily, facts({ since: NOW - HOUR }))).toMatchObject({ fired: false, code: 'not-due' })
    expect(considerTrigger('schedule', daily, facts({ since: NOW - 30 * 24 * HOUR }))).toMatchObject({
      dedupeKey: `schedule:${Date.UTC(2026, 4, 4, 7, 30)}`,
    })
    expect(considerTrigger('schedule', daily, facts({ now: Date.UTC(2026, 4, 4, 7, 30) }))).toMatchObject({ fired: true })
    expect(() => checkTriggerSettings('schedule', { cron: 'every day' })).toThrow(/cannot be read/)
    expect(() => checkTriggerSettings('schedule', { cron: '0 3 * * *', timeZone: 'Mars/Olympus' })).toThrow(/cannot be read/)
  })

  test('[PIP-27] on new data fires when enough examples or spans have come, once for each lot', () => {
    const settings = { minExamples: 100 }
    expect(considerTrigger('new-data', settings, facts({ newExamples: 99, allExamples: 99 }))).toMatchObject({
      fired: false,
      code: 'too-little',
      why: 'not enough yet: 99 of 100 new examples',
    })
    const first = considerTrigger('new-data', settings, facts({ newExamples: 100, allExamples: 100 }))
    expect(first).toMatchObject({ fired: true, why: '100 new examples were shared, 100 are enough' })
    expect(considerTrigger('new-data', settings, facts({ newExamples: 150, allExamples: 150 })).dedupeKey).toBe(first.dedupeKey)
    expect(considerTrigger('new-data', settings, facts({ newExamples: 100, allExamples: 200 })).dedupeKey).not.toBe(first.dedupeKey)
    expect(considerTrigger('new-data', { minSpans: 2 }, facts({ newSpans: 2, newestSpan: 7 }))).toMatchObject({
      fired: true,
      dedupeKey: 'new-data:span:7',
    })
  })

  test('[PIP-28] a drift or degradation without enough newly labelled examples stays pending and says so', () => {
    for (const kind of ['drift', 'degradation'] as const) {
      const settings = { minExamples: 300 }
      expect(considerTrigger(kind, settings, facts())).toMatchObject({ fired: false, code: 'quiet' })
      const waiting = considerTrigger(kind, settings, facts({ verdict, newExamples: 12 }))
      expect(waiting).toMatchObject({ fired: false, code: 'pending', dedupeKey: null })
      expect(waiting.why).toMatch(
        /^(drift|degradation) of digits version 3 in brightness, ink: .*; pending: 12 of the 300 newly labelled examples/,
      )
      expect(considerTrigger(kind, settings, facts({ verdict, newExamples: 300, allExamples: 300 }))).toMatchObject({
        fired: true,
        dedupeKey: `${kind}:digits:3:1`,
        why: expect.stringMatching(/300 newly labelled examples are there/),
      })
      expect(considerTrigger(kind, {}, facts({ verdict }))).toMatchObject({ fired: true })
    }
  })

  test('[PIP-29] rests after firing, and says until when', () => {
    const settings = { cooldownMs: HOUR }
    expect(considerTrigger('drift', settings, facts({ verdict, lastFired: NOW - HOUR + 1 }))).toMatchObject({
      fired: false,
      code: 'cooldown',
      why: expect.stringMatching(/rests until 2026-05-04T12:00:00.001Z/),
    })
    expect(considerTrigger('drift', settings, facts({ verdict, lastFired: NOW - HOUR }))).toMatchObject({ fired: true })
  })

  test('[PIP-184] new data and a due schedule wait for a rollout with their reason; whoever asks does not', () => {
    const rollout = 'rollout rol_1 of version 7 is under way'
    const news = { newSpans: 1, newestSpan: 4 }
    const daily = { cron: '30 9 * * *' }
    const late = { since: NOW - 48 * HOUR, lastFired: NOW - 24 * HOUR }
    expect(considerTrigger('new-data', { minSpans: 1 }, facts({ ...news, rollout }))).toEqual({
      fired: false,
      code: 'underway',
      why: `1 new spans arrived, 1 are enough; but ${rollout}: considered again when that has ended`,
      dedupeKey: null,
    })
    expect(considerTrigger('new-data', { minSpans: 1 }, facts({ rollout }))).toMatchObject({ code: 'too-little' })
    expect(considerTrigger('new-data', { minSpans: 1 }, facts(news))).toMatchObject({ fired: true, dedupeKey: 'new-data:span:4' })
    expect(considerTrigger('schedule', daily, facts({ ...late, rollout }))).toMatchObject({ fired: false, code: 'underway' })
    expect(considerTrigger('schedule', daily, facts(late))).toMatchObject({ fired: true, due: Date.UTC(2026, 4, 4, 9, 30) })
    expect(considerTrigger('schedule', { ...daily, catchUp: 'none' }, facts(late))).toMatchObject({ fired: false, code: 'missed' })
    expect(considerTrigger('demand', {}, facts({ rollout, demand: { by: 'ana', reason: 'now' } }))).toMatchObject({ fired: true })
  })

  test('[PIP-30] decides by the facts alone, always with a why, and only a run has a dedupe key', () => {
    const settings: Record<string, JsonObject> = {
      schedule: { cron: '*/5 * * * *' },
      'new-data': { minExamples: 10, minSpans: 1 },
      drift: { minExamples: 5 },
      degradation: { minExamples: 5 },
      demand: {},
    }
    const some = fc.record({
      now: fc.integer({ min: NOW, max: NOW + 48 * HOUR }),
      since: fc.integer({ min: NOW - 48 * HOUR, max: NOW }),
      lastFired: fc.option(fc.integer({ min: NOW - 48 * HOUR, max: NOW })),
      lastDue: fc.option(fc.integer({ min: NOW - 48 * HOUR, max: NOW })),
      spent: fc.record({ runs: fc.nat(3), minutes: fc.nat(90) }),
      verdict: fc.constantFrom(null, verdict),
      newExamples: fc.nat(20),
      allExamples: fc.nat(100),
      newSpans: fc.nat(3),
      newestSpan: fc.nat(9),
      stable: fc.constantFrom(3, 4, null),
      underway: fc.constantFrom(null, 'a run is under way'),
      rollout: fc.constantFrom(null, 'rollout rol_1 is under way'),
      demand: fc.constantFrom(null, { by: 'ana', reason: 'test' }),
    })
    fc.assert(
      fc.property(fc.constantFrom(...TRIGGER_KINDS), some, (kind, given) => {
        const decided = considerTrigger(kind, settings[kind] ?? {}, given)
        expect(considerTrigger(kind, settings[kind] ?? {}, { ...given })).toEqual(decided)
        expect(decided.why.length).toBeGreaterThan(0)
        if (!decided.fired) expect(decided.dedupeKey).toBeNull()
        else if (kind !== 'demand') expect(decided.dedupeKey).not.toBeNull()
      }),
      { numRuns: 300 },
    )
  })
})
