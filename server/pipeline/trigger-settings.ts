import * as z from 'zod'
import { AppError } from '../../shared/core/errors.ts'
import type { JsonObject } from '../../shared/core/json.ts'
import type { TriggerKind } from './pipeline.ts'
import { nextMoment } from './schedule.ts'

const count = z.int().min(1)
/** What all kinds can be told. */
const common = {
  /** No run sooner after the last one that this trigger started, milliseconds. */
  cooldownMs: z.int().min(0).default(0),
  /** At most so many runs, or minutes of runs, in each period that ends now. */
  budget: z
    .strictObject({ runs: count.optional(), minutes: z.number().positive().optional(), periodMs: z.int().min(60_000) })
    .refine(({ runs, minutes }) => runs !== undefined || minutes !== undefined, 'a budget names runs or minutes')
    .optional(),
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

export const CATCH_UPS = ['none', 'latest', 'all'] as const

/** What each kind of trigger can be told. */
const TRIGGER_SETTINGS = {
  demand: z.strictObject(common),
  schedule: z.strictObject({
    ...common,
    cron: z.string().max(200),
    timeZone: z.string().max(100).default('UTC'),
    /** What becomes of moments that nobody was there for, or that a rollout outlasted: nothing, one run for the latest of them, or one for each, oldest first. */
    catchUp: z.enum(CATCH_UPS).default('latest'),
  }),
  'new-data': z.strictObject({ ...common, minExamples: count.optional(), minSpans: count.optional() }),
  degradation: watch,
  drift: watch,
} as const satisfies Record<TriggerKind, z.ZodType>

export type TriggerSettings<K extends TriggerKind> = z.output<(typeof TRIGGER_SETTINGS)[K]>

/** The settings of a kind, checked. Throws invalid_input. */
export function parseTriggerSettings<K extends TriggerKind>(kind: K, settings: JsonObject): TriggerSettings<K> {
  const parsed = TRIGGER_SETTINGS[kind].safeParse(settings)
  if (!parsed.success) {
    const issues = parsed.error.issues.map((issue) => ({ where: ['settings', ...issue.path.map(String)].join('.'), what: issue.message }))
    throw new AppError('invalid_input', `settings of trigger ${kind}: ${issues.map(({ where, what }) => `${where}: ${what}`).join('; ')}`, {
      issues,
    })
  }
  return parsed.data as TriggerSettings<K>
}

/** Also reads the schedule, which takes a while. Throws invalid_input. */
export function checkTriggerSettings(kind: TriggerKind, settings: JsonObject): void {
  const value = parseTriggerSettings(kind, settings)
  if ('cron' in value) nextMoment(value as TriggerSettings<'schedule'>, 0)
}
