import type { Sha256 } from '../../shared/core/digest.ts'
import type { ErrorCode } from '../../shared/core/errors.ts'
import { countPromise, startPromisedError } from '../../shared/stats/promised-error.ts'
import type { Assignment, VersionRef } from './assignment.ts'
import { enterTrial, heldTo, outcomeOf } from './monitoring/first-window.ts'
import { addError, type ModelState } from './storage/model-state.ts'

/** Pure changes of what a device remembers about a model. Each runs inside one storage transaction. */

/** A version that starts: counted before it does, so that a start which kills the page is known at the next one. */
export const starting = (state: ModelState, manifest: Sha256): ModelState => ({
  ...state,
  crash: { manifest, strikes: (state.crash?.manifest === manifest ? state.crash.strikes : 0) + 1 },
})

/** Two unclean ends, whether of the worker or of the whole page, and a version is not started a third time. */
export const MAX_STRIKES = 2

export const strikesOf = (state: ModelState, manifest: Sha256): number => (state.crash?.manifest === manifest ? state.crash.strikes : 0)

export const started = (state: ModelState, manifest: Sha256): ModelState =>
  state.crash?.manifest === manifest ? { ...state, crash: null } : state

const isUsable = (state: ModelState, manifest: Sha256 | null): manifest is Sha256 =>
  manifest !== null && !state.quarantine.some((entry) => entry.manifest === manifest)

/** The version answers from now on; the one before it is kept to return to. */
export function activated(state: ModelState, { manifest }: VersionRef): ModelState {
  if (state.active === manifest) return state
  const previous = isUsable(state, state.active) ? state.active : state.previous === manifest ? null : state.previous
  // it has just proven itself, in whatever role it failed before
  const quarantine = state.quarantine.filter((entry) => entry.manifest !== manifest)
  return { ...state, active: manifest, previous, factory: state.factory ?? manifest, quarantine }
}

const LONGEST_QUARANTINE = 32

/** A version found unfit here: not tried again in this role, told in the next report, and a bad outcome for the rollout that assigned it. */
export function foundUnfit(state: ModelState, ref: VersionRef, role: string, code: ErrorCode, to: number | null): ModelState {
  const { sequence, firstWindow } = state
  const trial = firstWindow !== null && !firstWindow.closed && firstWindow.manifest === ref.manifest ? firstWindow : null
  const told = addError(state, code)
  return {
    ...told,
    crash: null,
    quarantine: [...state.quarantine, { ...ref, role, sequence, code }].slice(-LONGEST_QUARANTINE),
    firstWindow: trial === null ? firstWindow : { ...trial, closed: true },
    unsent: {
      ...told.unsent,
      selfRollbacks: [...told.unsent.selfRollbacks, { version: ref.version, code, to }].slice(-LONGEST_QUARANTINE),
      outcome: trial === null ? told.unsent.outcome : outcomeOf(trial, true),
    },
  }
}

/** Back on an earlier version, after `foundUnfit` of the one that was left. */
export const returned = (state: ModelState, to: Sha256): ModelState => ({
  ...state,
  active: to,
  previous: state.previous === to ? null : state.previous,
  wentBackAt: state.sequence,
})

export const entered = (state: ModelState, trial: Assignment['trial'], now: number): ModelState => ({
  ...state,
  firstWindow: trial === null ? null : enterTrial(state.firstWindow, trial, now),
})

/** One more answer whose truth is known: for the promise of its version, and for the first window of a rollout. */
export function judged(state: ModelState, manifest: Sha256, wrong: boolean, promisedRate: number): ModelState {
  const before = state.promise?.manifest === manifest ? state.promise.state : startPromisedError()
  const { firstWindow } = state
  const counts = firstWindow !== null && !firstWindow.closed && firstWindow.manifest === manifest
  return {
    ...state,
    // an answer of a version that was left must not push aside the evidence about the one that runs
    promise:
      state.active === manifest || state.active === null
        ? { manifest, state: countPromise(before, wrong, { promised: heldTo(promisedRate) }) }
        : state.promise,
    firstWindow: counts ? { ...firstWindow, labelled: firstWindow.labelled + 1, wrong: firstWindow.wrong + (wrong ? 1 : 0) } : firstWindow,
  }
}

/** Where to return to from `from`, best first: the version before, then the first one. Never to one that was found unfit. */
export const waysBack = (state: ModelState, from: Sha256 | null): Sha256[] =>
  [...new Set([state.active, state.previous, state.factory])].filter(
    (manifest): manifest is Sha256 => manifest !== from && isUsable(state, manifest),
  )
