import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { lastMoment, nextMoment } from '../../../server/pipeline/schedule.ts'
import { considerTrigger, type TriggerFacts } from '../../../server/pipeline/triggers.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const berlin = { cron: '30 2 * * *', timeZone: 'Europe/Berlin' }
const iso = (at: number | undefined): string | undefined => (at === undefined ? undefined : new Date(at).toISOString())

const facts = (some: Partial<TriggerFacts>): TriggerFacts => ({
  now: 0,
  since: 0,
  lastFired: null,
  lastDue: null,
  spent: { runs: 0, minutes: 0 },
  verdict: null,
  newExamples: 0,
  allExamples: 0,
  newSpans: 0,
  newestSpan: 0,
  stable: null,
  underway: null,
  rollout: null,
  demand: null,
  ...some,
})

/** A trigger that is looked at every ten minutes over some days: the moments it fires for. */
function watched(from: string, to: string, settings: Record<string, string>): string[] {
  const fired: string[] = []
  let lastDue: number | null = null
  for (let now = Date.parse(from); now <= Date.parse(to); now += 10 * MINUTE) {
    const { due, fired: fires } = considerTrigger(
      'schedule',
      settings,
      facts({ now, since: Date.parse(from), lastDue, lastFired: lastDue }),
    )
    if (!fires || due === undefined) continue
    fired.push(new Date(due).toISOString())
    lastDue = due
  }
  return fired
}

describe('schedules', () => {
  test('[PIP-100] a daily 02:30 in Berlin comes once on the day that has no 02:30 and once on the day that has two', () => {
    // 29 March 2026: 02:00 becomes 03:00; 25 October 2026: 03:00 becomes 02:00
    expect(watched('2026-03-28T12:00:00Z', '2026-03-30T12:00:00Z', berlin)).toEqual([
      '2026-03-29T01:30:00.000Z',
      '2026-03-30T00:30:00.000Z',
    ])
    expect(watched('2026-10-24T12:00:00Z', '2026-10-26T12:00:00Z', berlin)).toEqual([
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ])
  })

  test('[PIP-100] from whatever moment one looks, also from within the hour that changes, the answer is the same', () => {
    const moments = (from: string, days: number) => {
      const found: number[] = []
      for (let at = nextMoment(berlin, Date.parse(from)); at !== undefined && found.length < days; at = nextMoment(berlin, at))
        found.push(at)
      return found
    }
    for (const [begin, days] of [
      ['2026-03-26T12:00:00Z', 6],
      ['2026-10-22T12:00:00Z', 6],
      ['2027-03-26T12:00:00Z', 5],
    ] as const) {
      const all = moments(begin, days)
      expect(new Set(all.map((at) => new Date(at + 2 * HOUR).toISOString().slice(0, 10))).size).toBe(days)
      const start = Date.parse(begin)
      fc.assert(
        fc.property(fc.integer({ min: 0, max: (days - 1) * DAY }), (offset) => {
          const now = start + offset
          expect(iso(nextMoment(berlin, now))).toBe(iso(all.find((at) => at > now)))
          expect(iso(lastMoment(berlin, start, now))).toBe(iso(all.findLast((at) => at <= now)))
        }),
      )
    }
  })

  test('[PIP-100] an hourly schedule comes every hour of the day that has 25, and of the one that has 23', () => {
    const hourly = { cron: '30 * * * *', timeZone: 'Europe/Berlin' }
    expect(watched('2026-10-24T22:00:00Z', '2026-10-25T23:00:00Z', hourly)).toHaveLength(25)
    expect(watched('2026-03-28T23:00:00Z', '2026-03-29T22:00:00Z', hourly)).toHaveLength(23)
  })

  test.each([
    ['none', []],
    ['latest', ['2026-05-05T07:00:00.000Z']],
    ['all', ['2026-05-03T07:00:00.000Z', '2026-05-04T07:00:00.000Z', '2026-05-05T07:00:00.000Z']],
  ] as const)('[PIP-101] with catch-up %s, after three days away', (catchUp, expected) => {
    const settings = { cron: '0 9 * * *', timeZone: 'Europe/Berlin', catchUp }
    const now = Date.parse('2026-05-05T18:00:00Z')
    const fired: string[] = []
    let lastDue = Date.parse('2026-05-02T07:00:00Z')
    for (let look = 0; look < 10; look++) {
      const verdict = considerTrigger('schedule', settings, facts({ now, lastDue, lastFired: lastDue }))
      if (!verdict.fired || verdict.due === undefined) {
        expect(verdict.why).toMatch(catchUp === 'none' ? /missed moments are not made up for.*2026-05-06T07:00/ : /not due/)
        break
      }
      fired.push(new Date(verdict.due).toISOString())
      lastDue = verdict.due
    }
    expect(fired).toEqual(expected)
  })

  test('[PIP-101] a schedule by minutes is not counted through since the beginning of time', () => {
    const now = Date.parse('2026-05-05T18:00:30Z')
    expect(iso(lastMoment({ cron: '* * * * *', timeZone: 'UTC' }, 0, now))).toBe('2026-05-05T18:00:00.000Z')
    expect(iso(lastMoment({ cron: '0 0 29 2 *', timeZone: 'UTC' }, 0, now))).toBe('2024-02-29T00:00:00.000Z')
  })

  test('[PIP-102] a trigger that has spent its runs or minutes says so, whatever else speaks for it', () => {
    const settings = { minSpans: 1, budget: { runs: 2, minutes: 30, periodMs: 7 * DAY } }
    const news = { now: DAY, newSpans: 1, newestSpan: 4 }
    const consider = (spent: TriggerFacts['spent']) => considerTrigger('new-data', settings, facts({ ...news, spent }))
    expect(consider({ runs: 1, minutes: 29.9 })).toMatchObject({ fired: true })
    expect(consider({ runs: 2, minutes: 1 })).toMatchObject({
      fired: false,
      code: 'budget',
      why: expect.stringContaining('2 of 2 runs in the last 7 days') as string,
    })
    expect(consider({ runs: 1, minutes: 30 })).toMatchObject({
      fired: false,
      code: 'budget',
      why: expect.stringContaining('30.0 of 30 minutes') as string,
    })
  })
})
