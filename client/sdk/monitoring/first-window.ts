import type { Assignment } from '../assignment.ts'
import type { DeviceOutcome } from '../../../shared/stats/report.ts'
import { logChoose } from '../../../shared/stats/special-functions.ts'
import type { FirstWindow } from '../storage/model-state.ts'

/**
 * A promise below this is not held against a version: people mislabel about one example in two hundred, and a validation set of a few thousand cannot show
 * a lower rate.
 */
const LOWEST_PROMISE = 0.005

/** The error rate a device holds a version to. Kept below one half, above which no window could be bad. */
export const heldTo = (promised: number): number => Math.min(0.5, Math.max(LOWEST_PROMISE, promised))

/** A first window ends after this long even if the app asks too little. */
const LONGEST_MS = 24 * 60 * 60 * 1000

/** What counts as more wrong answers than the promise allows: their probability under it is below this. */
const SURPRISE = 0.05

/** P(X >= wrong) for X binomial(n, rate). */
export function binomialTail(wrong: number, n: number, rate: number): number {
  if (wrong <= 0) return 1
  let tail = 0
  for (let k = wrong; k <= n; k++) tail += Math.exp(logChoose(n, k) + k * Math.log(rate) + (n - k) * Math.log1p(-rate))
  return Math.min(1, tail)
}

/**
 * Enters a rollout. A device has one window as a candidate, and before that one in each stage as a stable one. So those who move to the candidate when the
 * share grows are a random choice among all who report in that stage, and no device's habits count twice for the candidate.
 */
export function enterTrial(window: FirstWindow | null, trial: NonNullable<Assignment['trial']>, now: number): FirstWindow {
  if (window?.rollout === trial.rollout) {
    if (window.arm === 'candidate') return window
    if (trial.arm === 'stable' && (!window.closed || trial.stage <= window.stage))
      return { ...window, stage: Math.max(window.stage, trial.stage) }
  }
  return {
    rollout: trial.rollout,
    arm: trial.arm,
    stage: trial.stage,
    manifest: trial.version.manifest,
    began: now,
    predictions: 0,
    labelled: 0,
    wrong: 0,
    closed: false,
  }
}

/**
 * Whether the window is over: so many predictions with feedback, or, at a flush, so many predictions, or a day. It depends on how much was asked and
 * answered, never on what: otherwise the evidence of the rollout would be biased.
 */
export const isOver = (window: FirstWindow, size: number, now: number, flushing: boolean): boolean =>
  window.labelled >= size || (flushing && window.predictions > 0 && (window.predictions >= size || now - window.began >= LONGEST_MS))

/** The one bit of a device: its wrong answers are more than the promised error rate allows. */
export const isBad = (window: FirstWindow, promised: number): boolean =>
  binomialTail(window.wrong, window.labelled, heldTo(promised)) < SURPRISE

export const outcomeOf = (window: FirstWindow, bad: boolean): DeviceOutcome => ({
  rollout: window.rollout,
  stage: window.stage,
  arm: window.arm,
  bad,
})
