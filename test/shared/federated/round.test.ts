import fc from 'fast-check'
import { expect, test } from 'vitest'
import { unwrap } from '../../../shared/core/result.ts'
import { freeLeases, openRound, type Round, type RoundEvent, stepRound } from '../../../shared/federated/round.ts'

const event: fc.Arbitrary<RoundEvent> = fc.oneof(
  fc.constant<RoundEvent>({ type: 'accepted' }),
  fc.constant<RoundEvent>({ type: 'accepted' }),
  fc.constant<RoundEvent>({ type: 'time' }),
  fc.constant<RoundEvent>({ type: 'close', by: 'someone' }),
  fc.constant<RoundEvent>({ type: 'aggregated' }),
  fc.constant<RoundEvent>({ type: 'failed', why: 'not finite' }),
)

test('[FED-1] whatever happens, a round aggregates only with enough updates, never takes more than it wants, and ends once', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(event, fc.nat(40)), { maxLength: 60 }),
      fc.integer({ min: 1, max: 6 }),
      fc.nat(5),
      (events, minimum, more) => {
        let round: Round = unwrap(openRound({ wanted: minimum + more, minimum, deadline: 500 }))
        let now = 0
        for (const [next, passed] of events) {
          now += passed
          const stepped = stepRound(round, next, now)
          if (!stepped.ok) {
            expect(stepped.error.code).toBe('conflict')
            continue
          }
          const after = stepped.value
          if (round.ended !== null) expect(after).toEqual(round)
          expect(after.accepted).toBeLessThanOrEqual(after.wanted)
          expect(after.ended !== null).toBe(after.state === 'done' || after.state === 'abandoned')
          if (after.state === 'aggregating' || after.state === 'done') expect(after.accepted).toBeGreaterThanOrEqual(after.minimum)
          if (next.type === 'time' && after.state === 'open') expect(now).toBeLessThan(after.deadline)
          round = after
        }
      },
    ),
  )
})

test('[FED-2] more leases are out than updates are wanted, and none when the round is no longer open', () => {
  const round = unwrap(openRound({ wanted: 10, minimum: 5, deadline: 100 }))
  expect(freeLeases(round, 0)).toBe(13)
  expect(freeLeases(round, 13)).toBe(0)
  expect(freeLeases({ ...round, accepted: 9 }, 1)).toBe(1)
  expect(freeLeases({ ...round, state: 'aggregating' }, 0)).toBe(0)
  expect(openRound({ wanted: 2, minimum: 3, deadline: 1 })).toMatchObject({ ok: false, error: { code: 'invalid_input' } })
})
