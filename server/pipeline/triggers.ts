import { CronExpressionParser } from 'cron-parser'
import * as z from 'zod'
import { exhausted } from '../../shared/core/assert.ts'
import { AppError } from '../../shared/core/errors.ts'
import type { JsonObject } from '../../shared/core/json.ts'
import type { TriggerKind } from './pipeline.ts'

const count = z.int().min(1)
const common = {
  /** No run sooner after the last one that this trigger started, milliseconds. */
  cooldownMs: z.int().min(0).default(0),
  /** Parameters of the runs it starts. */
  params: z.record(z.string(), z.json()).default({}),
}
const watch = z.strictObject({
  ...common,
  cooldownMs: z
    .int()
    .min(0)
    .default(10 * 60 * 1000),
  /** Newly labelled examples without which a run would have nothing to learn from. */
  minExamples: z.int().min(0).default(0),
})

/** What each kind of trigger can be told. */
export const TRIGGER_SETTINGS = {
  demand: z.strictObject(common),
  schedule: z.strictObject({ ...common, cron: z.string().max(200), timeZone: z.string().max(100).default('UTC') }),
  'new-data': z.strictObject({ ...common, minExamples: count.optional(), minSpans: count.optional() }),
  degradation: watch,
  drift: watch,
} as const satisfies Record<TriggerKind, z.ZodType>

/** The settings of a kind, checked. Throws invalid_input. */
export function parseTriggerSettings<K extends TriggerKind>(kind: K, settings: JsonObject): z.output<(typeof TRIGGER_SETTINGS)[K]> {
  const parsed = TRIGGER_SETTINGS[kind].safeParse(settings)
  if (!parsed.success) {
    const issues = parsed.error.issues.map((issue) => ({ where: ['settings', ...issue.path.map(String)].join('.'), what: issue.message }))
    throw new AppError('invalid_input', `settings of trigger ${kind}: ${issues.map(({ where, what }) => `${where}: ${what}`).join('; ')}`, {
      issues,
    })
  }
  const value = parsed.data as z.output<(typeof TRIGGER_SETTINGS)[K]>
  if (kind === 'schedule') lastOccurrence(value as z.output<(typeof TRIGGER_SETTINGS)['schedule']>, 0)
  return value
}

/** A verdict of the monitoring about a version that a pipeline's model has in the field. */
export type Verdict = { readonly model: string; readonly version: number; readonly features: readonly string[]; readonly detail: string }

/** What is known when a trigger is considered. */
export type TriggerFacts = {
  readonly now: number
  /** When the trigger was set, and when it last started a run; epoch milliseconds. */
  readonly since: number
  readonly lastFired: number | null
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
  /** Who asked, and why, for `demand`. */
  readonly demand: { readonly by: string; readonly reason: string } | null
}

/** `code` names the reason in one word, so that a repeated one can be told from a new one. */
export type TriggerVerdict = { readonly fired: boolean; readonly code: string; readonly why: string; readonly dedupeKey: string | null }

const no = (code: string, why: string): TriggerVerdict => ({ fired: false, code, why, dedupeKey: null })
const yes = (why: string, dedupeKey: string | null): TriggerVerdict => ({ fired: true, code: 'fired', why, dedupeKey })
const iso = (at: number): string => new Date(at).toISOString()

/** The last moment at or before `now` that the schedule names. Throws invalid_input for one that cannot be read. */
function lastOccurrence({ cron, timeZone }: { cron: string; timeZone: string }, now: number): number {
  try {
    // the parser looks strictly before its current date
    return CronExpressionParser.parse(cron, { currentDate: new Date(now + 1000), tz: timeZone })
      .prev()
      .getTime()
  } catch (thrown) {
    throw new AppError(
      'invalid_input',
      `the schedule "${cron}" in time zone ${timeZone} cannot be read: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
      { cause: thrown },
    )
  }
}

/**
 * Whether a trigger starts a run now, and why. Pure: the same facts always give the same answer. A dedupe key belongs to one run, ever: whoever starts
 * the run must refuse a key that was used before.
 */
export function considerTrigger(kind: TriggerKind, settings: JsonObject, facts: TriggerFacts): TriggerVerdict {
  const { cooldownMs } = parseTriggerSettings(kind, settings)
  const found = considerKind(kind, settings, facts)
  if (!found.fired || facts.lastFired === null || facts.now - facts.lastFired >= cooldownMs) return found
  return no('cooldown', `${found.why}; but it last fired at ${iso(facts.lastFired)} and rests until ${iso(facts.lastFired + cooldownMs)}`)
}

function considerKind(kind: TriggerKind, settings: JsonObject, facts: TriggerFacts): TriggerVerdict {
  switch (kind) {
    case 'demand':
      return facts.demand === null ? no('nobody', 'nobody asked') : yes(`asked for by ${facts.demand.by}: ${facts.demand.reason}`, null)
    case 'schedule': {
      const schedule = parseTriggerSettings(kind, settings)
      const due = lastOccurrence(schedule, facts.now)
      if (due <= Math.max(facts.since, facts.lastFired ?? 0)) return no('not-due', `not due: the last time was ${iso(due)}`)
      return yes(`due at ${iso(due)} by schedule "${schedule.cron}" (${schedule.timeZone})`, `schedule:${due}`)
    }
    case 'new-data':
      return considerNewData(parseTriggerSettings(kind, settings), facts)
    case 'degradation':
    case 'drift':
      return considerVerdict(kind, parseTriggerSettings(kind, settings).minExamples, facts)
    default:
      return exhausted(kind)
  }
}

function considerNewData(
  { minExamples, minSpans }: { minExamples?: number | undefined; minSpans?: number | undefined },
  facts: TriggerFacts,
): TriggerVerdict {
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
