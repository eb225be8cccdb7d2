import { exhausted } from '../../shared/core/assert.ts'
import type { JsonObject } from '../../shared/core/json.ts'
import type { TriggerKind } from './pipeline.ts'
import { lastMoment, nextMoment } from './schedule.ts'
import { parseTriggerSettings, type TriggerSettings } from './trigger-settings.ts'

/** A verdict of the monitoring about a version that a pipeline's model has in the field. */
export type Verdict = { readonly model: string; readonly version: number; readonly features: readonly string[]; readonly detail: string }

/** What is known when a trigger is considered. */
export type TriggerFacts = {
  readonly now: number
  /** When the trigger was set, and when it last started a run; epoch milliseconds. */
  readonly since: number
  readonly lastFired: number | null
  /** The last moment of the schedule that led to a run; epoch milliseconds. */
  readonly lastDue: number | null
  /** Runs that this trigger started in the period of its budget, and what they took. */
  readonly spent: { readonly runs: number; readonly minutes: number }
  /** A verdict that has not led to a run yet. */
  readonly verdict: Verdict | null
  /** Examples shared by people: those not yet in a span, and all there ever were. */
  readonly newExamples: number
  readonly allExamples: number
  /** Spans that arrived otherwise since the trigger last fired, and the number of the newest. */
  readonly newSpans: number
  readonly newestSpan: number
  /** The stable version of the model: a verdict about another one has been overtaken. */
  readonly stable: number | null
  /** What is being done about the model already (a run, a rollout), in words; null where nothing is. */
  readonly underway: string | null
  /** A rollout of the model that a version of this pipeline would run into, in words; null where there is none, and for a pipeline that releases nothing. */
  readonly rollout: string | null
  /** Who asked, and why, for `demand`. */
  readonly demand: { readonly by: string; readonly reason: string } | null
}

/** `code` names the reason in one word, so that a repeated one can be told from a new one. */
export type TriggerVerdict = {
  readonly fired: boolean
  readonly code: string
  readonly why: string
  readonly dedupeKey: string | null
  /** The moment of the schedule that the verdict is about. */
  readonly due?: number
}

const no = (code: string, why: string): TriggerVerdict => ({ fired: false, code, why, dedupeKey: null })
const yes = (why: string, dedupeKey: string | null): TriggerVerdict => ({ fired: true, code: 'fired', why, dedupeKey })
const iso = (at: number): string => new Date(at).toISOString()

/**
 * Whether a trigger starts a run now, and why. Pure: the same facts always give the same answer. A dedupe key belongs to one run, ever: whoever starts
 * the run must refuse a key that was used before.
 */
export function considerTrigger(kind: TriggerKind, settings: JsonObject, facts: TriggerFacts): TriggerVerdict {
  const { cooldownMs, budget } = parseTriggerSettings(kind, settings)
  const found = considerKind(kind, settings, facts)
  if (!found.fired) return found
  // its own version could not be released meanwhile, and would have been held against one that may soon be replaced
  if ((kind === 'new-data' || kind === 'schedule') && facts.rollout !== null)
    return no('underway', `${found.why}; but ${facts.rollout}: considered again when that has ended`)
  if (facts.lastFired !== null && facts.now - facts.lastFired < cooldownMs)
    return no('cooldown', `${found.why}; but it last fired at ${iso(facts.lastFired)} and rests until ${iso(facts.lastFired + cooldownMs)}`)
  if (budget === undefined) return found
  const { runs, minutes } = facts.spent
  const period = `in the last ${spanText(budget.periodMs)}`
  if (budget.runs !== undefined && runs >= budget.runs)
    return no('budget', `${found.why}; but its budget is spent: ${runs} of ${budget.runs} runs ${period}`)
  if (budget.minutes !== undefined && minutes >= budget.minutes)
    return no('budget', `${found.why}; but its budget is spent: ${minutes.toFixed(1)} of ${budget.minutes} minutes of runs ${period}`)
  return found
}

const spanText = (ms: number): string => {
  const hours = ms / 3_600_000
  return hours >= 48
    ? `${Number((hours / 24).toFixed(1))} days`
    : hours >= 1
      ? `${Number(hours.toFixed(1))} h`
      : `${Math.round(ms / 60_000)} min`
}

function considerKind(kind: TriggerKind, settings: JsonObject, facts: TriggerFacts): TriggerVerdict {
  switch (kind) {
    case 'demand':
      return facts.demand === null ? no('nobody', 'nobody asked') : yes(`asked for by ${facts.demand.by}: ${facts.demand.reason}`, null)
    case 'schedule':
      return considerSchedule(parseTriggerSettings(kind, settings), facts)
    case 'new-data':
      return considerNewData(parseTriggerSettings(kind, settings), facts)
    case 'degradation':
    case 'drift':
      return considerVerdict(kind, parseTriggerSettings(kind, settings).minExamples, facts)
    default:
      return exhausted(kind)
  }
}

/** A moment that is told of later than this has been missed: nobody was there when it came, or a rollout took longer. Milliseconds. */
const PUNCTUAL = 5 * 60 * 1000

function considerSchedule(schedule: TriggerSettings<'schedule'>, { now, since, lastFired, lastDue }: TriggerFacts): TriggerVerdict {
  const from = Math.max(since, lastDue ?? lastFired ?? 0)
  const upcoming = nextMoment(schedule, from)
  const due = upcoming === undefined || upcoming > now || schedule.catchUp === 'all' ? upcoming : lastMoment(schedule, from, now)
  if (due === undefined) return no('not-due', `the schedule "${schedule.cron}" names no further moment`)
  if (due > now) return no('not-due', `not due: the next time is ${iso(due)}`)
  const what = `due at ${iso(due)} by schedule "${schedule.cron}" (${schedule.timeZone})`
  if (schedule.catchUp === 'none' && now - due > PUNCTUAL)
    return no(
      'missed',
      `${what}; but no run could start then, and missed moments are not made up for (catchUp: none): the next time is ${iso(nextMoment(schedule, now) ?? due)}`,
    )
  return { ...yes(what, `schedule:${due}`), due }
}

function considerNewData({ minExamples, minSpans }: TriggerSettings<'new-data'>, facts: TriggerFacts): TriggerVerdict {
  if (minExamples !== undefined && facts.newExamples >= minExamples) {
    // a run whose examples were not collected may be followed by another once as many have come again
    return yes(
      `${facts.newExamples} new examples were shared, ${minExamples} are enough`,
      `new-data:examples:${Math.floor(facts.allExamples / minExamples)}`,
    )
  }
  if (minSpans !== undefined && facts.newSpans >= minSpans)
    return yes(`${facts.newSpans} new spans arrived, ${minSpans} are enough`, `new-data:span:${facts.newestSpan}`)
  const wants = [
    minExamples === undefined ? [] : [`${facts.newExamples} of ${minExamples} new examples`],
    minSpans === undefined ? [] : [`${facts.newSpans} of ${minSpans} new spans`],
  ].flat()
  return no('too-little', `not enough yet: ${wants.join(', ') || 'neither minExamples nor minSpans is set'}`)
}

/** The alert of the verdict holds all of it. */
const firstSentence = (detail: string): string => {
  const end = detail.search(/\.\s/)
  return end === -1 ? detail : detail.slice(0, end)
}

function considerVerdict(kind: 'drift' | 'degradation', minExamples: number, facts: TriggerFacts): TriggerVerdict {
  const { verdict, newExamples, allExamples, stable, underway } = facts
  if (verdict === null) return no('quiet', `no ${kind} is known`)
  if (stable !== verdict.version)
    return no(
      'overtaken',
      `${kind} of ${verdict.model} version ${verdict.version} is overtaken: the stable version is ${stable ?? 'none'} now`,
    )
  const what = `${kind} of ${verdict.model} version ${verdict.version}${verdict.features.length > 0 ? ` in ${verdict.features.join(', ')}` : ''}: ${firstSentence(verdict.detail)}`
  if (underway !== null) return no('underway', `${what}; but ${underway}: considered again when that has ended`)
  if (newExamples < minExamples)
    return no(
      'pending',
      `${what}; pending: ${newExamples} of the ${minExamples} newly labelled examples that retraining needs are there, considered again as they arrive`,
    )
  const enough = minExamples > 0 ? `; ${newExamples} newly labelled examples are there to learn from, ${minExamples} are enough` : ''
  // a run that was refused may be followed by another once as many examples have come again
  const lot = minExamples > 0 ? `:${Math.floor(allExamples / minExamples)}` : ''
  return yes(`${what}${enough}`, `${kind}:${verdict.model}:${verdict.version}${lot}`)
}
