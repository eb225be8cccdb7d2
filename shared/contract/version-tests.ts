import * as z from 'zod/mini'
import { slug, text, time, versionText } from '../core/fields.ts'
import { defineRoutes } from './route.ts'

/** What a version can be put to through the API: callers without rights and broken requests, cases with known answers, many callers at once. */
export const API_TEST_KINDS = ['security', 'regression', 'load'] as const
export type ApiTestKind = (typeof API_TEST_KINDS)[number]

/** One thing that was tried, and what came of it. */
export const apiCheck = z.object({ check: text(200), ok: z.boolean(), what: text(1000) })
export type ApiCheck = z.infer<typeof apiCheck>

export const versionTest = z.object({
  kind: z.enum([...API_TEST_KINDS, 'canary']),
  at: time,
  by: text(200),
  /** Whether every check held; null for a canary without a result: under way, or ended without evidence. */
  ok: z.nullable(z.boolean()),
  checks: z.array(apiCheck),
  /** What was measured, by name: requests, qps, p50Ms, p95Ms, p99Ms. */
  figures: z.record(z.string(), z.number()),
})
export type VersionTest = z.infer<typeof versionTest>

const params = z.object({ model: slug, version: versionText })

export const versionTestRoutes = defineRoutes({
  'versions.tests': {
    method: 'GET',
    path: '/v1/models/:model/versions/:version/tests',
    tag: 'Registry',
    summary: 'Tests that a version was put to, newest first',
    description: 'Those that were recorded (200 at most), and its rollouts as canary tests.',
    scope: 'viewer',
    params,
    reply: { kind: 'json', status: 200, schema: z.object({ items: z.array(versionTest) }) },
    errors: ['unknown_model', 'unknown_version'],
  },
  'versions.record-test': {
    method: 'POST',
    path: '/v1/models/:model/versions/:version/tests',
    tag: 'Registry',
    summary: 'Record a test of a version',
    description: '`shoal check api` does it; so can any other tool. The test has passed where every check has.',
    scope: 'editor',
    idempotent: true,
    params,
    body: {
      kind: 'json',
      schema: z.object({
        kind: z.enum(API_TEST_KINDS),
        checks: z.array(apiCheck).check(z.minLength(1), z.maxLength(200)),
        figures: z._default(z.record(z.string().check(z.minLength(1), z.maxLength(100)), z.number()), {}),
      }),
    },
    reply: { kind: 'json', status: 201, schema: versionTest },
    errors: ['unknown_model', 'unknown_version'],
  },
})
