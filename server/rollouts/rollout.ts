import type { Rollout, RolloutEvidence as Look, RolloutPolicy } from '../../shared/contract/rollouts.ts'
import { must } from '../../shared/core/assert.ts'
import { AppError } from '../../shared/core/errors.ts'
import { fail, ok, type Result } from '../../shared/core/result.ts'
import {
  type AllocationState,
  addArrivals,
  allocationMismatch,
  changeShares,
  startAllocationCheck,
} from '../../shared/stats/allocation-check.ts'
import { addBatch, type OutcomeBatch, type RolloutEvidence, startRolloutEvidence } from '../../shared/stats/rollout-evidence.ts'
import { rolloutVerdict } from '../../shared/stats/rollout-verdict.ts'
import { logMeanExp } from '../../shared/stats/special-functions.ts'

/** What the state machine remembers. Plain JSON. */
export type Progress = {
  readonly stage: number
  /** Devices heard of in this stage, on both sides. A rollout that began before they were counted has none. */
  readonly heard?: number
  /** Evidence from devices' first windows, and from devices that left their version by themselves. */
  readonly outcomes: RolloutEvidence
  readonly selfRollbacks: RolloutEvidence
  /** Whether devices arrive in the planned shares; null at a share of 1, where there is nothing to compare. */
  readonly allocation: AllocationState | null
  /** Highest ln of the combined e-value against the candidate. */
  readonly peak: number
}

export type Machine = {
  readonly mode: Rollout['mode']
  readonly policy: RolloutPolicy
  readonly created: number
  readonly state: Rollout['state']
  readonly progress: Progress
  readonly decision: Rollout['decision']
}

/** Devices that are compared with each other. */
export type Stratum = { readonly outcomes: OutcomeBatch; readonly selfRollbacks: OutcomeBatch }

/**
 * A closed batch of devices. Those first heard of in this stage, and those that were stable in an earlier one, fall to the candidate with different
 * probabilities, so each kind is compared within itself.
 */
export type ClosedBatch = { readonly fresh: Stratum; readonly again: Stratum }

export type RolloutEvent =
  | { readonly type: 'batch'; readonly batch: ClosedBatch; readonly at: number }
  | { readonly type: 'time'; readonly at: number }
  | { readonly type: 'promote' | 'rollback'; readonly by: string; readonly reason: string }

/** Where the machine stands after an event. `look` is what is to be recorded; `evident` says that evidence, not a person or a date, sent the candidate back. */
export type Step = {
  readonly machine: Machine
  readonly look: Look | null
  readonly evident: boolean /** Devices arrive in other shares than planned. */
  readonly mismatch?: boolean
}

/** From there on (p = 0.1 at any look) the evidence against the candidate is a reason to wait with more devices. */
const LOG_DOUBT = Math.log(10)
/** Once so many times the devices were heard of that a stage takes on average, half of its candidates are enough: in a small fleet chance may have made few of them. */
const PATIENCE = 1.5
const ENOUGH = 0.5
/** What still passes for no evidence of harm where nothing has to be proven: about what one bad candidate device more than expected amounts to. */
const LOG_NO_HARM = Math.log(3)
/** How long an inconclusive rollout waits for a person before the candidate goes back, as a part of its longest life. */
const HOLD = 0.1
/** Who decides when no person does. */
export const BY_EVIDENCE = 'evidence'
export const BY_POLICY = 'policy'

export function checkPolicy(policy: RolloutPolicy): Result<RolloutPolicy> {
  let before = 0
  for (const [i, { share }] of policy.stages.entries()) {
    if (share <= before) {
      const issue = {
        where: `policy.stages.${i}.share`,
        what: `is ${share}, which must be above ${before}: shares grow from stage to stage`,
      }
      return fail(new AppError('invalid_input', 'the stages do not grow', { issues: [issue] }))
    }
    before = share
  }
  return ok(policy)
}

const sharesOf = (share: number): number[] => [share, 1 - share]

export const shareOf = ({ policy, progress }: Pick<Machine, 'policy' | 'progress'>): number =>
  must(policy.stages[progress.stage], 'the stage').share

export function startMachine({ mode, policy, created }: Pick<Machine, 'mode' | 'policy' | 'created'>): Machine {
  const terms = { alpha: policy.alpha, beta: policy.beta, psiMax: policy.oddsCeiling }
  const share = must(policy.stages[0], 'the first stage').share
  return {
    mode,
    policy,
    created,
    state: 'running',
    progress: {
      stage: 0,
      heard: 0,
      outcomes: startRolloutEvidence(terms),
      selfRollbacks: startRolloutEvidence(terms),
      allocation: share < 1 ? startAllocationCheck(sharesOf(share)) : null,
      peak: 0,
    },
    decision: null,
  }
}

/** Not yet decided: the candidate is on its share of the devices. */
export const isActive = (state: Rollout['state']): boolean => state === 'running' || state === 'inconclusive'

/** ln of the e-value for "the candidate is worse", now: the mean of both kinds of evidence, which is an e-value whatever their dependence. */
const combined = ({ outcomes, selfRollbacks }: Progress): number =>
  logMeanExp([logMeanExp(outcomes.logWorse), logMeanExp(selfRollbacks.logWorse)])

/** The next state. Fails with conflict where the rollout has ended. */
export function step(machine: Machine, event: RolloutEvent): Result<Step> {
  if (!isActive(machine.state))
    return fail(new AppError('conflict', `this rollout was ${machine.state} already (${machine.decision?.reason ?? 'no reason given'})`))
  switch (event.type) {
    case 'batch':
      return ok(afterBatch(takeBatch(machine, event.batch), event.at))
    case 'time':
      return ok(afterTime(machine, event.at))
    case 'promote':
      return ok({
        machine: { ...machine, state: 'promoted', decision: { by: event.by, reason: event.reason } },
        look: null,
        evident: false,
      })
    case 'rollback':
      return ok({
        machine: { ...machine, state: 'rolled-back', decision: { by: event.by, reason: event.reason } },
        look: null,
        evident: false,
      })
  }
}

function takeBatch(machine: Machine, { fresh, again }: ClosedBatch): Machine {
  const { progress } = machine
  const arrivals = [fresh.outcomes.candidate.devices, fresh.outcomes.stable.devices] as const
  const heard = [fresh, again].reduce((sum, { outcomes: { candidate, stable } }) => sum + candidate.devices + stable.devices, 0)
  const next: Progress = {
    ...progress,
    heard: (progress.heard ?? 0) + heard,
    outcomes: addBatch(addBatch(progress.outcomes, fresh.outcomes), again.outcomes),
    selfRollbacks: addBatch(addBatch(progress.selfRollbacks, fresh.selfRollbacks), again.selfRollbacks),
    allocation: progress.allocation && addArrivals(progress.allocation, arrivals),
  }
  return { ...machine, progress: { ...next, peak: Math.max(progress.peak, combined(next)) } }
}

const figure = (x: number): string => String(Number(x.toPrecision(2)))
const percent = (share: number): string => `${figure(100 * share)} %`
const probability = (logE: number): string => (logE > 27 ? 'less than 1e-12' : figure(Math.min(1, Math.exp(-logE))))

function seen({ progress }: Machine): string {
  const { candidate, stable } = progress.outcomes
  const left = progress.selfRollbacks.candidate.bad
  return `${candidate.bad} of ${candidate.devices} candidate devices were bad, ${stable.bad} of ${stable.devices} stable ones${left > 0 ? `; ${left} left the candidate by themselves` : ''}`
}

/** Whether devices arrive in other shares than planned. Judged by what stands now, so that candidates that only came later are made up for. */
const mismatched = ({ allocation }: Progress): boolean =>
  allocation !== null && allocationMismatch({ ...allocation, peak: allocation.logE })

function lookAt(machine: Machine, at: number, sentence: string): Look {
  const { progress, policy } = machine
  const { candidate, stable, peakNoWorse } = progress.outcomes
  const last = progress.stage === policy.stages.length - 1
  const toNext = Math.max(0, must(policy.stages[progress.stage], 'the stage').minDevices - candidate.devices)
  const toProof = rolloutVerdict(progress.outcomes).needMore?.candidate ?? 0
  const toAccept = policy.promoteAfterDevices === 0 ? Infinity : Math.max(0, policy.promoteAfterDevices - candidate.devices)
  return {
    at,
    stage: progress.stage,
    candidate,
    stable,
    logRollback: progress.peak,
    logPromote: peakNoWorse,
    selfRollbacks: progress.selfRollbacks.candidate.bad,
    needMore: isActive(machine.state) ? (last ? Math.max(toNext, Math.min(toProof, toAccept)) : toNext) : 0,
    sentence: sentence.slice(0, 1000),
  }
}

function decided(machine: Machine, at: number, state: 'promoted' | 'rolled-back', reason: string, evident: boolean): Step {
  const next: Machine = { ...machine, state, decision: { by: evident ? BY_EVIDENCE : BY_POLICY, reason } }
  return { machine: next, look: lookAt(next, at, reason), evident: evident && state === 'rolled-back' }
}

function afterBatch(machine: Machine, at: number): Step {
  const { policy, progress } = machine
  const stay = (sentence: string): Step => ({ machine, look: lookAt(machine, at, sentence), evident: false })
  const { candidate, peakNoWorse } = progress.outcomes
  if (progress.peak >= -Math.log(policy.alpha)) {
    return decided(
      machine,
      at,
      'rolled-back',
      `Rolled back: ${seen(machine)}; an equal candidate would show this with probability ${probability(progress.peak)} at most (limit ${policy.alpha}).`,
      true,
    )
  }
  const where = `Stage ${progress.stage + 1} of ${policy.stages.length} (${percent(shareOf(machine))} of devices)`
  if (machine.state === 'inconclusive') return stay(`${where}, past its longest life and waiting for a person: ${seen(machine)}.`)
  if (mismatched(progress))
    return {
      ...stay(
        `${where}, held: ${seen(machine)}; devices arrive in other shares than planned (probability ${probability(progress.allocation?.logE ?? 0)} at most), so that the two sides cannot be compared.`,
      ),
      mismatch: true,
    }
  const doubt = combined(progress)
  if (doubt >= LOG_DOUBT)
    return stay(`${where}, held: ${seen(machine)}; the candidate looks worse (probability ${probability(doubt)} at most if it were equal).`)
  const { minDevices, share } = must(policy.stages[progress.stage], 'the stage')
  const waited = (progress.heard ?? 0) * share >= PATIENCE * minDevices
  // one at least, whatever the policy says: a candidate that nobody has heard of has not passed anything
  const enough = candidate.devices >= Math.max(1, waited ? Math.ceil(ENOUGH * minDevices) : minDevices)
  const last = progress.stage === policy.stages.length - 1
  if (machine.mode === 'canary' && enough && last) {
    if (peakNoWorse >= -Math.log(policy.beta)) {
      const reason = `Promoted: ${seen(machine)}; a candidate with ${policy.oddsCeiling} times the odds of a bad device would look this good with probability ${probability(peakNoWorse)} at most (limit ${policy.beta}).`
      return decided(machine, at, 'promoted', reason, true)
    }
    if (policy.promoteAfterDevices > 0 && candidate.devices >= policy.promoteAfterDevices && doubt < LOG_NO_HARM) {
      return decided(
        machine,
        at,
        'promoted',
        `Promoted: ${seen(machine)}; no evidence of harm after ${candidate.devices} devices, which the policy takes as enough.`,
        false,
      )
    }
  }
  if (enough && !last && machine.mode !== 'shadow') return nextStage(machine, at)
  const { needMore } = lookAt(machine, at, '')
  return stay(`${where}: ${seen(machine)}; ${needMore > 0 ? `need about ${needMore} more candidate devices` : 'a person decides'}.`)
}

function nextStage(machine: Machine, at: number): Step {
  const { policy, progress } = machine
  const stage = progress.stage + 1
  const { share } = must(policy.stages[stage], 'the next stage')
  const allocation =
    share >= 1
      ? null
      : progress.allocation === null
        ? startAllocationCheck(sharesOf(share))
        : changeShares(progress.allocation, sharesOf(share))
  const next: Machine = { ...machine, progress: { ...progress, stage, heard: 0, allocation } }
  return {
    machine: next,
    look: lookAt(next, at, `On to stage ${stage + 1} of ${policy.stages.length} (${percent(share)} of devices): ${seen(machine)}.`),
    evident: false,
  }
}

function afterTime(machine: Machine, at: number): Step {
  const { policy, created } = machine
  const age = at - created
  if (age >= policy.maxDurationMs * (1 + HOLD)) {
    return decided(
      machine,
      at,
      'rolled-back',
      `Rolled back: still inconclusive after its longest life; ${seen(machine)}. Nothing was shown against the candidate, and too little for it.`,
      false,
    )
  }
  if (age < policy.maxDurationMs || machine.state === 'inconclusive') return { machine, look: null, evident: false }
  const next: Machine = { ...machine, state: 'inconclusive' }
  const sentence = `Inconclusive after its longest life: ${seen(machine)}. The candidate stays where it is until a person decides, then goes back.`
  return { machine: next, look: lookAt(next, at, sentence), evident: false }
}
