import * as z from 'zod/mini'
import { id, jsonObject, page, pageQuery, slug, text, time, version, versionText } from '../core/fields.ts'
import { MAX_REPORT_BYTES, MAX_REPORTS_PER_REQUEST } from '../core/limits.ts'
import { report } from '../stats/report.ts'
import { defineRoutes } from './route.ts'

/** One monitored feature in one window: how far from the reference, how sure. */
export const featureDrift = z.object({
  feature: text(200),
  status: z.enum(['ok', 'watch', 'drift', 'insufficient']),
  /** Jensen-Shannon distance (natural logarithm), 0 to 1: bounded, and so what is plotted. */
  distance: z.number(),
  /** Population stability index beyond what chance gives at this size: what is held against the margin. Null without a verdict. */
  effect: z.nullable(z.number()),
  p: z.number(),
  n: z.int(),
  /** How many more devices until a verdict is possible; 0 when there is one. */
  needMore: z.int(),
  sentence: text(1000),
})
export type FeatureDrift = z.infer<typeof featureDrift>

/** A rate with its 95 % Wilson interval; null where nothing was counted. */
export const rate = z.object({ value: z.nullable(z.number()), low: z.nullable(z.number()), high: z.nullable(z.number()), n: z.int() })
export type Rate = z.infer<typeof rate>

/** What all devices counted in one window for one version, merged. */
export const monitoringWindow = z.object({
  version,
  from: time,
  to: time,
  devices: z.int(),
  reports: z.int(),
  predictions: z.int(),
  /** Share of right answers among those that people confirmed or corrected. */
  accuracy: rate,
  /** Accuracy estimated from calibrated confidence alone, with its standard error. */
  estimated: z.object({ value: z.nullable(z.number()), error: z.nullable(z.number()) }),
  features: z.array(featureDrift),
  predictionDrift: featureDrift,
  latencyMs: z.object({ p50: z.nullable(z.number()), p95: z.nullable(z.number()) }),
  errors: z.record(z.string(), z.int()),
  backends: z.record(z.string(), z.int()),
  selfRollbacks: z.int(),
})
export type MonitoringWindow = z.infer<typeof monitoringWindow>

export const ALERT_KINDS = ['drift', 'degradation', 'data-anomaly', 'rollback', 'self-rollback', 'run-failed', 'refused'] as const
export const alert = z.object({
  id: id('alert'),
  kind: z.enum(ALERT_KINDS),
  severity: z.enum(['info', 'warning', 'critical']),
  /** What it is about: a model, a pipeline. */
  subject: text(200),
  title: text(300),
  detail: text(4000),
  evidence: jsonObject,
  at: time,
  acknowledged: z.nullable(z.object({ at: time, by: text(200) })),
})
export type Alert = z.infer<typeof alert>

export const monitoringRoutes = defineRoutes({
  'reports.send': {
    method: 'POST',
    path: '/v1/reports',
    tag: 'Device',
    summary: 'Hand in what a device counted',
    description:
      'Idempotent by (epoch, window, sequence): a repeated report counts once. Impossible counts are refused one by one; the rest is taken.',
    scope: 'device',
    body: {
      kind: 'json',
      schema: z.object({ reports: z.array(report).check(z.minLength(1), z.maxLength(MAX_REPORTS_PER_REQUEST)) }),
      maxBytes: MAX_REPORT_BYTES * MAX_REPORTS_PER_REQUEST,
    },
    reply: {
      kind: 'json',
      status: 200,
      schema: z.object({ accepted: z.int(), duplicates: z.int(), refused: z.array(z.object({ index: z.int(), why: text(500) })) }),
    },
    errors: ['body_too_large'],
  },
  'monitoring.windows': {
    method: 'GET',
    path: '/v1/models/:model/monitoring',
    tag: 'Monitoring',
    summary: 'Windows of one model, oldest first',
    scope: 'viewer',
    params: z.object({ model: slug }),
    query: z.object({
      version: z.optional(versionText),
      since: z.optional(z.pipe(z.string().check(z.regex(/^[0-9]{1,15}$/)), z.transform(Number))),
    }),
    reply: { kind: 'json', status: 200, schema: z.object({ windows: z.array(monitoringWindow), current: z.nullable(monitoringWindow) }) },
    errors: ['unknown_model', 'unknown_version'],
  },
  'alerts.list': {
    method: 'GET',
    path: '/v1/alerts',
    tag: 'Monitoring',
    summary: 'Alerts, newest first',
    scope: 'viewer',
    query: z.extend(pageQuery, { kind: z.optional(z.enum(ALERT_KINDS)) }),
    reply: { kind: 'json', status: 200, schema: page(alert) },
  },
  'alerts.acknowledge': {
    method: 'POST',
    path: '/v1/alerts/:alert/acknowledge',
    tag: 'Monitoring',
    summary: 'Say that an alert was seen',
    scope: 'editor',
    params: z.object({ alert: id('alert') }),
    reply: { kind: 'json', status: 200, schema: alert },
    errors: ['not_found'],
  },
})
