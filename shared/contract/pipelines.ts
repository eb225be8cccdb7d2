import * as z from 'zod/mini'
import { digest, id, json, jsonObject, page, pageQuery, reason, slug, text, time } from '../core/fields.ts'
import { ERROR_CODES } from '../core/errors.ts'
import { defineRoutes } from './route.ts'

export const RUN_STATES = ['queued', 'running', 'succeeded', 'failed', 'cancelled', 'stopped'] as const
/** `stopped` is a gate's refusal (data anomalies, candidate not better): not a breakdown. */
export const STEP_STATES = ['waiting', 'running', 'succeeded', 'cached', 'failed', 'skipped', 'stopped', 'cancelled'] as const
/** The five ways a run starts, of which four need no hand. */
export const TRIGGER_KINDS = ['demand', 'schedule', 'new-data', 'degradation', 'drift'] as const

/** An artifact's place in the graph. */
export const artifactSummary = z.object({
  id: id('artifact'),
  type: text(100),
  name: text(200),
  digest: z.nullable(digest),
  bytes: z.int(),
  created: time,
  properties: jsonObject,
  run: z.nullable(id('run')),
  step: z.nullable(text(100)),
})
export type ArtifactSummary = z.infer<typeof artifactSummary>

export const stepSummary = z.object({
  name: text(100),
  component: text(100),
  componentVersion: text(40),
  state: z.enum(STEP_STATES),
  /** Names of the steps whose outputs it takes. */
  after: z.array(text(100)),
  started: z.nullable(time),
  ended: z.nullable(time),
  attempts: z.int(),
  /** Why its result was or was not taken from an earlier run. */
  cache: z.nullable(z.object({ hit: z.boolean(), key: digest, why: text(500) })),
  progress: z.nullable(z.object({ done: z.number(), total: z.number(), note: text(300) })),
  /** Names the component's code. */
  componentDigest: z.nullable(digest),
  inputs: z.record(z.string(), artifactSummary),
  outputs: z.record(z.string(), artifactSummary),
  params: jsonObject,
  error: z.nullable(z.object({ code: z.enum(ERROR_CODES), detail: text(4000) })),
})
export type StepSummary = z.infer<typeof stepSummary>

export const runSummary = z.object({
  id: id('run'),
  pipeline: slug,
  pipelineDigest: digest,
  state: z.enum(RUN_STATES),
  trigger: z.object({ kind: z.enum(TRIGGER_KINDS), reason: text(2000), by: text(200) }),
  params: jsonObject,
  /** The run that this one does again, to see whether the same comes out. */
  replayOf: z.nullable(id('run')),
  created: time,
  started: z.nullable(time),
  ended: z.nullable(time),
  error: z.nullable(z.object({ code: z.enum(ERROR_CODES), detail: text(4000), step: z.nullable(text(100)) })),
})
export type RunSummary = z.infer<typeof runSummary>

export const runDetail = z.extend(runSummary, {
  seed: z.int(),
  steps: z.array(stepSummary),
  metrics: z.record(z.string(), z.number()),
  /** Where and with what code it ran: commit, runtime, dependencies. */
  environment: z.record(z.string(), z.string()),
})
export type RunDetail = z.infer<typeof runDetail>

export const triggerSummary = z.object({
  kind: z.enum(TRIGGER_KINDS),
  enabled: z.boolean(),
  settings: jsonObject,
  lastFired: z.nullable(time),
})
/** Each time a trigger was considered: what it decided and why. */
export const triggerDecision = z.object({
  at: time,
  kind: z.enum(TRIGGER_KINDS),
  /** The reason in one word: fired, duplicate, cooldown, budget, not-due, missed, too-little, pending, … */
  code: text(40),
  fired: z.boolean(),
  why: text(2000),
  dedupeKey: z.nullable(text(200)),
  run: z.nullable(id('run')),
})
export type TriggerDecision = z.infer<typeof triggerDecision>

/** What a trigger would do now. */
export const triggerTest = z.object({
  fires: z.boolean(),
  code: text(40),
  why: text(2000),
  dedupeKey: z.nullable(text(200)),
  /** For a schedule: the next moments that it names. */
  next: z.array(time),
  /** What the decision was made from. */
  facts: jsonObject,
})
export type TriggerTest = z.infer<typeof triggerTest>

export const pipelineSummary = z.object({
  name: slug,
  dataset: slug,
  digest,
  description: text(2000),
  steps: z.array(z.object({ name: text(100), component: text(100), componentVersion: text(40), after: z.array(text(100)) })),
  triggers: z.array(triggerSummary),
  params: jsonObject,
  lastRun: z.nullable(runSummary),
})
export type PipelineSummary = z.infer<typeof pipelineSummary>

/** A value of each of two runs; null where one has none. */
const pair = z.object({ name: text(250), a: z.nullable(text(6000)), b: z.nullable(text(6000)), same: z.boolean() })
export const runComparison = z.object({
  a: runSummary,
  b: runSummary,
  sameDefinition: z.boolean(),
  /** Whether all steps put out the same content; null while one of the runs has not ended. */
  identical: z.nullable(z.boolean()),
  /** The first step, in the order of the pipeline, that put out something else, and what it had that differs. */
  parting: z.nullable(z.object({ step: text(100), outputs: z.array(text(100)), causes: z.array(text(500)) })),
  params: z.array(pair),
  metrics: z.array(pair),
  environment: z.array(pair),
  steps: z.array(
    z.object({
      name: text(100),
      a: z.nullable(z.object({ state: z.enum(STEP_STATES), tookMs: z.nullable(z.number()) })),
      b: z.nullable(z.object({ state: z.enum(STEP_STATES), tookMs: z.nullable(z.number()) })),
      /** What it was given that differs: code, inputs, parameters, what it looked up, seed. */
      differences: z.array(text(500)),
      outputs: z.array(z.object({ name: text(100), a: z.nullable(digest), b: z.nullable(digest), same: z.boolean() })),
    }),
  ),
})
export type RunComparison = z.infer<typeof runComparison>

/** 0: by hand; 1: the training is automated; 2: so is the delivery of the pipeline itself. */
export const maturity = z.object({
  level: z.int(),
  checks: z.array(z.object({ level: z.int(), what: text(200), holds: z.boolean(), why: text(1000) })),
  /** From the arrival of data to the version trained on it: median of the last runs that new data started; null where there were none. */
  newDataToNewModelMs: z.nullable(z.number()),
})
export type Maturity = z.infer<typeof maturity>

const runParams = z.object({ run: id('run') })
const pipelineParams = z.object({ pipeline: slug })
const logLine = z.object({
  seq: z.int(),
  at: time,
  step: z.nullable(text(100)),
  level: z.enum(['debug', 'info', 'warn', 'error']),
  message: text(8000),
})

export const pipelineRoutes = defineRoutes({
  'pipelines.list': {
    method: 'GET',
    path: '/v1/pipelines',
    tag: 'Pipelines',
    summary: 'List pipelines',
    scope: 'viewer',
    reply: { kind: 'json', status: 200, schema: z.object({ items: z.array(pipelineSummary) }) },
  },
  'pipelines.get': {
    method: 'GET',
    path: '/v1/pipelines/:pipeline',
    tag: 'Pipelines',
    summary: 'One pipeline: steps, triggers',
    scope: 'viewer',
    params: pipelineParams,
    reply: { kind: 'json', status: 200, schema: pipelineSummary },
    errors: ['unknown_pipeline'],
  },
  'pipelines.decisions': {
    method: 'GET',
    path: '/v1/pipelines/:pipeline/decisions',
    tag: 'Pipelines',
    summary: 'Why each trigger fired, or did not',
    scope: 'viewer',
    params: pipelineParams,
    query: z.extend(pageQuery, { kind: z.optional(z.enum(TRIGGER_KINDS)) }),
    reply: { kind: 'json', status: 200, schema: page(triggerDecision) },
    errors: ['unknown_pipeline'],
  },
  'triggers.set': {
    method: 'PUT',
    path: '/v1/pipelines/:pipeline/triggers/:kind',
    tag: 'Pipelines',
    summary: 'Switch a trigger on or off, or change its settings',
    scope: 'editor',
    params: z.object({ pipeline: slug, kind: z.enum(TRIGGER_KINDS) }),
    body: { kind: 'json', schema: z.object({ enabled: z.boolean(), settings: z.optional(jsonObject) }) },
    reply: { kind: 'json', status: 200, schema: triggerSummary },
    errors: ['unknown_pipeline', 'not_found'],
  },
  'triggers.test': {
    method: 'POST',
    path: '/v1/pipelines/:pipeline/triggers/:kind/test',
    tag: 'Pipelines',
    summary: 'What a trigger would do now, and why',
    description: 'Starts nothing and keeps nothing. With `settings`, what it would do if it had those.',
    scope: 'viewer',
    params: z.object({ pipeline: slug, kind: z.enum(TRIGGER_KINDS) }),
    body: { kind: 'json', schema: z.object({ settings: z.optional(jsonObject) }) },
    reply: { kind: 'json', status: 200, schema: triggerTest },
    errors: ['unknown_pipeline', 'not_found'],
  },
  'runs.start': {
    method: 'POST',
    path: '/v1/pipelines/:pipeline/runs',
    tag: 'Pipelines',
    summary: 'Start a run',
    scope: 'editor',
    idempotent: true,
    params: pipelineParams,
    body: {
      kind: 'json',
      schema: z.object({
        params: z._default(jsonObject, {}),
        reason: z._default(text(2000), 'on demand'),
        /** One run for it, ever: asked for again, the answer is the run that it started. */
        dedupeKey: z.optional(z.string().check(z.minLength(1), z.maxLength(100))),
      }),
    },
    reply: { kind: 'json', status: 202, schema: runSummary },
    errors: ['unknown_pipeline', 'conflict'],
  },
  'runs.list': {
    method: 'GET',
    path: '/v1/runs',
    tag: 'Pipelines',
    summary: 'Runs, newest first',
    scope: 'viewer',
    query: z.extend(pageQuery, { pipeline: z.optional(slug), state: z.optional(z.enum(RUN_STATES)) }),
    reply: { kind: 'json', status: 200, schema: page(runSummary) },
  },
  'runs.get': {
    method: 'GET',
    path: '/v1/runs/:run',
    tag: 'Pipelines',
    summary: 'One run with its steps',
    scope: 'viewer',
    params: runParams,
    reply: { kind: 'json', status: 200, schema: runDetail },
    errors: ['unknown_run'],
  },
  'runs.logs': {
    method: 'GET',
    path: '/v1/runs/:run/logs',
    tag: 'Pipelines',
    summary: 'Log lines of a run, oldest first',
    scope: 'viewer',
    params: runParams,
    query: z.extend(pageQuery, { step: z.optional(text(100)) }),
    reply: { kind: 'json', status: 200, schema: page(logLine) },
    errors: ['unknown_run'],
  },
  'runs.resume': {
    method: 'POST',
    path: '/v1/runs/:run/resume',
    tag: 'Pipelines',
    summary: 'Go on from the first unfinished step',
    description: 'Finished steps are not done again.',
    scope: 'editor',
    params: runParams,
    reply: { kind: 'json', status: 202, schema: runSummary },
    errors: ['unknown_run', 'conflict'],
  },
  'runs.replay': {
    method: 'POST',
    path: '/v1/runs/:run/replay',
    tag: 'Pipelines',
    summary: 'Do a run again, to see whether the same comes out',
    description:
      'A new run with the same definition, parameters, seed and looked-up state, of which nothing comes from the cache; steps that change something outside are not repeated. Compare the two when it has ended.',
    scope: 'editor',
    params: runParams,
    reply: { kind: 'json', status: 202, schema: runSummary },
    errors: ['unknown_run', 'unknown_pipeline', 'conflict'],
  },
  'runs.compare': {
    method: 'GET',
    path: '/v1/runs/:run/compare/:other',
    tag: 'Metadata',
    summary: 'What two runs have in common, and where they part',
    scope: 'viewer',
    params: z.object({ run: id('run'), other: id('run') }),
    reply: { kind: 'json', status: 200, schema: runComparison },
    errors: ['unknown_run'],
  },
  'pipelines.maturity': {
    method: 'GET',
    path: '/v1/pipelines/:pipeline/maturity',
    tag: 'Pipelines',
    summary: 'How far a pipeline works by itself, from its records',
    scope: 'viewer',
    params: pipelineParams,
    reply: { kind: 'json', status: 200, schema: maturity },
    errors: ['unknown_pipeline'],
  },
  'runs.cancel': {
    method: 'POST',
    path: '/v1/runs/:run/cancel',
    tag: 'Pipelines',
    summary: 'Stop a run',
    scope: 'editor',
    params: runParams,
    body: { kind: 'json', schema: z.object({ reason }) },
    reply: { kind: 'json', status: 202, schema: runSummary },
    errors: ['unknown_run', 'conflict'],
  },
  'artifacts.get': {
    method: 'GET',
    path: '/v1/artifacts/:artifact',
    tag: 'Metadata',
    summary: 'One artifact',
    scope: 'viewer',
    params: z.object({ artifact: id('artifact') }),
    reply: { kind: 'json', status: 200, schema: artifactSummary },
    errors: ['not_found'],
  },
  'artifacts.content': {
    method: 'GET',
    path: '/v1/artifacts/:artifact/content',
    tag: 'Metadata',
    summary: 'What an artifact holds',
    scope: 'viewer',
    params: z.object({ artifact: id('artifact') }),
    reply: { kind: 'bytes', type: 'application/octet-stream' },
    errors: ['not_found', 'unknown_blob'],
  },
  'artifacts.lineage': {
    method: 'GET',
    path: '/v1/artifacts/:artifact/lineage',
    tag: 'Metadata',
    summary: 'What an artifact was made from, or what was made from it',
    scope: 'viewer',
    params: z.object({ artifact: id('artifact') }),
    query: z.object({ direction: z._default(z.enum(['up', 'down']), 'up') }),
    reply: {
      kind: 'json',
      status: 200,
      schema: z.object({
        artifacts: z.array(artifactSummary),
        executions: z.array(
          z.object({ id: id('step'), run: id('run'), step: text(100), component: text(100), state: z.enum(STEP_STATES) }),
        ),
        events: z.array(z.object({ artifact: id('artifact'), execution: id('step'), type: z.enum(['input', 'output']), path: text(100) })),
      }),
    },
    errors: ['not_found'],
  },
  'events.listen': {
    method: 'GET',
    path: '/v1/events',
    tag: 'Server',
    summary: 'What happens, as it happens',
    description: 'Server-sent events for consoles and the command line: run progress, versions, releases, reports, alerts.',
    scope: 'viewer',
    reply: { kind: 'events', schema: z.object({ type: text(100), at: time, subject: text(200), data: json }) },
  },
})
