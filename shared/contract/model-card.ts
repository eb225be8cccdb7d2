import * as z from 'zod/mini'
import { digest, id, jsonObject, slug, time, version, versionText } from '../core/fields.ts'
import { defineRoutes } from './route.ts'
import { versionTest } from './version-tests.ts'

const figures = z.record(z.string(), z.number())
const interval = z.object({ low: z.number(), high: z.number() })
const measured = z.object({ count: z.int(), figures, intervals: z.record(z.string(), interval) })

/** What a version is, where it comes from, how good it is and for whom not: made from what was recorded, after Mitchell et al. 2019. */
export const modelCard = z.object({
  schemaVersion: z.literal(1),
  model: z.object({
    name: slug,
    description: z.string(),
    version,
    created: time,
    parent: z.nullable(version),
    aliases: z.array(slug),
    revoked: z.nullable(z.string()),
    manifest: digest,
    bytes: z.int(),
    parameters: z.int(),
    layers: z.array(z.string()),
    inputs: z.array(z.string()),
    labels: z.array(z.string()),
    notes: z.string(),
  }),
  training: z.nullable(
    z.object({
      run: id('run'),
      pipeline: slug,
      pipelineDigest: digest,
      dataset: z.nullable(z.string()),
      /** Sources of the data: data set, span, rows, digest. */
      sources: z.array(jsonObject),
      /** Rows of each split. */
      splits: figures,
      recipe: z.nullable(jsonObject),
      /** Of the search that chose the recipe; 0 where there was none. */
      trialCount: z.int(),
    }),
  ),
  evaluation: z.nullable(
    z.extend(measured, {
      task: z.string(),
      statement: z.string(),
      training: z.nullable(z.object({ count: z.int(), figures })),
      slices: z.array(z.extend(measured, { slice: z.string() })),
      reliability: z.array(z.object({ low: z.number(), high: z.number(), count: z.int(), confidence: z.number(), accuracy: z.number() })),
      confusion: z.array(z.array(z.number())),
    }),
  ),
  /** What it was held against before it was registered. */
  validation: z.nullable(z.object({ blessed: z.boolean(), checks: z.array(z.object({ ok: z.boolean(), why: z.string() })) })),
  runtime: z.nullable(
    z.object({
      blessed: z.boolean(),
      userAgent: z.nullable(z.string()),
      outcomes: z.array(z.object({ target: z.string(), ok: z.boolean(), why: z.string() })),
    }),
  ),
  /** What it was put to afterwards, newest first: tests of its API, and its rollouts. */
  tests: z.array(versionTest),
  promised: z.object({ errorRate: z.number(), errorBound: z.optional(z.number()), latencyCeilingMs: z.number() }),
  /** What the figures themselves warn of. */
  limitations: z.array(z.string()),
})
export type ModelCard = z.infer<typeof modelCard>

const params = z.object({ model: slug, version: versionText })

export const modelCardRoutes = defineRoutes({
  'versions.card': {
    method: 'GET',
    path: '/v1/models/:model/versions/:version/card',
    tag: 'Registry',
    summary: 'The model card of a version',
    description:
      'Made from what was recorded of the version: manifest, run, data, evaluation, validation. Parts that nobody recorded are null.',
    scope: 'viewer',
    params,
    reply: { kind: 'json', status: 200, schema: modelCard },
    errors: ['unknown_model', 'unknown_version'],
  },
  'versions.card-page': {
    method: 'GET',
    path: '/v1/models/:model/versions/:version/card.html',
    tag: 'Registry',
    summary: 'The model card of a version as a page of its own',
    scope: 'viewer',
    params,
    reply: { kind: 'bytes', type: 'text/html' },
    errors: ['unknown_model', 'unknown_version'],
  },
})
