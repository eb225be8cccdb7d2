import * as z from 'zod/mini'
import { id, page, pageQuery, text, time } from '../core/fields.ts'
import { MAX_LOGGED_METRICS, MAX_LOGGED_TEXTS, MAX_LOG_BODY_BYTES } from '../core/limits.ts'
import { runSummary } from './pipelines.ts'
import { defineRoutes } from './route.ts'

const plain = z.refine<string>((name) => !/\p{Cc}/u.test(name) && name !== '__proto__', 'must hold no control characters')
/** Browsers and servers take such a part out of an address. */
const addressable = z.refine<string>((name) => name !== '.' && name !== '..', 'must not be dots alone: it would have no address')
/** What a metric, parameter or tag is called. */
const valueName = z.string().check(z.minLength(1), z.maxLength(250), plain, addressable)
/** JSON has no words for what a diverged training reports. */
const metricValue = z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity'])])
const metricStep = z.int().check(z.minimum(-1e12), z.maximum(1e12))
const metricPoint = z.object({ name: valueName, value: metricValue, step: z._default(metricStep, 0), at: time })
export type MetricPoint = z.output<typeof metricPoint>
const texts = z
  .record(valueName, text(6000))
  .check(z.refine((all) => Object.keys(all).length <= MAX_LOGGED_TEXTS, `at most ${MAX_LOGGED_TEXTS} at a time`))

/** What a run tells of itself at once. */
export const logBatch = z.object({
  metrics: z._default(z.array(metricPoint).check(z.maxLength(MAX_LOGGED_METRICS)), []),
  params: z._default(texts, {}),
  tags: z._default(texts, {}),
})
export type LogBatch = z.output<typeof logBatch>

/** A run as a search finds it: the latest value of each metric, parameters and tags as text. */
const foundRun = z.object({
  run: runSummary,
  metrics: z.record(z.string(), metricValue),
  params: z.record(z.string(), z.string()),
  tags: z.record(z.string(), z.string()),
})
export type FoundRun = z.infer<typeof foundRun>

const runParams = z.object({ run: id('run') })

export const trackingRoutes = defineRoutes({
  'runs.log': {
    method: 'POST',
    path: '/v1/runs/:run/log',
    tag: 'Metadata',
    summary: 'Metrics, parameters and tags of a run',
    description:
      'All of it or nothing. A metric has one value for each step and time (`at`, epoch milliseconds), so the same request twice has one effect; its latest value is the one of the greatest step. A parameter keeps its first value; a tag takes the last.',
    scope: 'editor',
    params: runParams,
    body: { kind: 'json', schema: logBatch, maxBytes: MAX_LOG_BODY_BYTES },
    reply: { kind: 'empty' },
    errors: ['unknown_run', 'conflict'],
  },
  'runs.values': {
    method: 'GET',
    path: '/v1/runs/:run/values',
    tag: 'Metadata',
    summary: 'Latest metrics, parameters and tags of a run',
    scope: 'viewer',
    params: runParams,
    reply: { kind: 'json', status: 200, schema: foundRun },
    errors: ['unknown_run'],
  },
  'runs.metric': {
    method: 'GET',
    path: '/v1/runs/:run/metrics/:metric',
    tag: 'Metadata',
    summary: 'Every value of one metric, by step and time',
    scope: 'viewer',
    params: z.object({ run: id('run'), metric: valueName }),
    query: pageQuery,
    reply: { kind: 'json', status: 200, schema: page(z.object({ step: z.int(), at: time, value: metricValue })) },
    errors: ['unknown_run'],
  },
  'runs.search': {
    method: 'GET',
    path: '/v1/search/runs',
    tag: 'Metadata',
    summary: 'Runs by metrics, parameters, tags and attributes',
    description:
      "`filter`: comparisons joined by `and`, as in `metrics.accuracy > 0.9 and params.optimizer = 'adam' and attributes.state != 'failed'`. `order`: `metrics.accuracy desc`, or an attribute; runs without the metric come last. Failed and stopped runs are found like any others.",
    scope: 'viewer',
    query: z.extend(pageQuery, { filter: z.optional(text(4000)), order: z.optional(text(300)) }),
    reply: { kind: 'json', status: 200, schema: page(foundRun) },
  },
})
