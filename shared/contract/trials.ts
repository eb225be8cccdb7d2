import * as z from 'zod/mini'
import { id, jsonObject, page, pageQuery, slug, text, time } from '../core/fields.ts'
import { defineRoutes } from './route.ts'

/** `running`: it waits at a rung, or its run has not ended. `pruned`: others were better at its last rung. */
export const TRIAL_STATES = ['running', 'complete', 'pruned', 'failed'] as const

/** How far a trial was at one rung. */
const rung = z.object({ epochs: z.int().check(z.minimum(1)), score: z.number(), metrics: z.record(z.string(), z.number()) })

export const trialRecord = z.object({
  /** By place in the recipe: `learningRate.rate`. */
  params: jsonObject,
  state: z.enum(TRIAL_STATES),
  /** One for each comparison with others; the last is the trial's result. Scores: the greater the better. */
  rungs: z.array(rung).check(z.maxLength(64)),
  error: z.nullable(text(2000)),
})
export type TrialRecord = z.infer<typeof trialRecord>

export const trialSummary = z.extend(trialRecord, {
  run: id('run'),
  pipeline: slug,
  step: id('step'),
  number: z.int().check(z.minimum(0)),
  /** The last rung's; null where there is none. */
  score: z.nullable(z.number()),
  at: time,
})
export type TrialSummary = z.infer<typeof trialSummary>

export const trialRoutes = defineRoutes({
  'trials.record': {
    method: 'PUT',
    path: '/v1/runs/:run/steps/:step/trials/:number',
    tag: 'Metadata',
    summary: 'Record how a trial of a search stands',
    description: 'The last record of a trial stands. A search that was interrupted reads them, and repeats no finished trial.',
    scope: 'editor',
    params: z.object({ run: id('run'), step: id('step'), number: z.string().check(z.regex(/^(0|[1-9][0-9]{0,5})$/)) }),
    body: { kind: 'json', schema: trialRecord },
    reply: { kind: 'json', status: 200, schema: trialSummary },
    errors: ['unknown_run'],
  },
  'trials.list': {
    method: 'GET',
    path: '/v1/trials',
    tag: 'Metadata',
    summary: 'Trials of searches, best first',
    description:
      '`where`: comparisons joined by `and`, as in `params.learningRate.rate < 0.01 and score > 0.9 and state = complete`. `metrics.NAME` is that of the last rung. Failed and pruned trials are found like any others.',
    scope: 'viewer',
    query: z.extend(pageQuery, { run: z.optional(id('run')), pipeline: z.optional(slug), where: z.optional(text(2000)) }),
    reply: { kind: 'json', status: 200, schema: page(trialSummary) },
  },
})
