import { AppError } from '../core/errors.ts'
import { fail, ok, type Result } from '../core/result.ts'

/**
 * A synchronous round of federated averaging (McMahan et al. 2017) with over-selection and a deadline (Bonawitz et al. 2019): devices take leases, train,
 * hand in one update each. The round is aggregated as soon as `wanted` updates are there, or at the deadline with at least `minimum`; with fewer it is
 * abandoned. A device that goes away without a word costs its lease's time, never the round.
 */
export type Round = {
  readonly state: 'open' | 'aggregating' | 'done' | 'abandoned'
  readonly wanted: number
  readonly minimum: number
  readonly deadline: number
  readonly accepted: number
  readonly ended: number | null
  /** Why it was abandoned, or how it came to be aggregated. */
  readonly why: string | null
}

export type RoundEvent =
  | { readonly type: 'accepted' }
  | { readonly type: 'time' }
  | { readonly type: 'close'; readonly by: string }
  | { readonly type: 'aggregated' }
  | { readonly type: 'failed'; readonly why: string }

/** More leases than wanted updates are out at a time, since some devices go away (Bonawitz et al. 2019 use 130 %). */
export const OVER_SELECTION = 1.3

export function openRound({ wanted, minimum, deadline }: Pick<Round, 'wanted' | 'minimum' | 'deadline'>): Result<Round> {
  if (minimum > wanted) {
    const issues = [{ where: 'minimum', what: `is ${minimum}, above wanted (${wanted})` }]
    return fail(new AppError('invalid_input', 'a round cannot need more updates than it wants', { issues }))
  }
  return ok({ state: 'open', wanted, minimum, deadline, accepted: 0, ended: null, why: null })
}

/** How many more leases may be given out while `outstanding` unexpired ones are. */
export function freeLeases(round: Round, outstanding: number): number {
  if (round.state !== 'open') return 0
  return Math.max(0, Math.ceil((round.wanted - round.accepted) * OVER_SELECTION) - outstanding)
}

/** The round after an event at time `at`. Fails with conflict where its state does not allow it. */
export function stepRound(round: Round, event: RoundEvent, at: number): Result<Round> {
  const not = (what: string) =>
    fail(new AppError('conflict', `the round is ${round.state}${round.why === null ? '' : ` (${round.why})`}: ${what}`))
  switch (event.type) {
    case 'accepted': {
      if (round.state !== 'open') return not('it takes no more updates')
      const accepted = round.accepted + 1
      return ok(
        accepted < round.wanted
          ? { ...round, accepted }
          : { ...round, accepted, state: 'aggregating', why: `all ${accepted} updates came` },
      )
    }
    case 'time':
      return ok(round.state === 'open' && at >= round.deadline ? finish(round, 'the deadline passed', at) : round)
    case 'close':
      return round.state === 'open' ? ok(finish(round, `closed by ${event.by}`, at)) : not('it cannot be closed again')
    case 'aggregated':
      return round.state === 'aggregating' ? ok({ ...round, state: 'done', ended: at }) : not('there is nothing to aggregate')
    case 'failed':
      return round.state === 'aggregating'
        ? ok({ ...round, state: 'abandoned', ended: at, why: event.why })
        : not('there is nothing to abandon')
  }
}

function finish(round: Round, how: string, at: number): Round {
  const { accepted, minimum } = round
  if (accepted >= minimum) return { ...round, state: 'aggregating', why: `${how} with ${accepted} updates` }
  return { ...round, state: 'abandoned', ended: at, why: `${how} with ${accepted} of the ${minimum} updates that it needs` }
}
