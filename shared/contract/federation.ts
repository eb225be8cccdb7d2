import * as z from 'zod/mini'
import { digest, id, slug, text, time, version } from '../core/fields.ts'
import { MAX_UPDATE_BYTES } from '../core/limits.ts'
import { defineRoutes } from './route.ts'

export const ROUND_STATES = ['open', 'aggregating', 'done', 'abandoned'] as const

/** What a device that takes part does: from which version, for how long, within which bounds. */
export const trainingPlan = z.object({
  model: slug,
  base: version,
  baseManifest: digest,
  epochs: z.int().check(z.minimum(1), z.maximum(100)),
  batchSize: z.int().check(z.minimum(1), z.maximum(1024)),
  learningRate: z.number().check(z.gt(0)),
  seed: z.int(),
  /** L2 norm to which the whole update is clipped before it leaves the device. */
  clipNorm: z.number().check(z.gt(0)),
  maxExamples: z.int().check(z.minimum(1)),
})
export type TrainingPlan = z.infer<typeof trainingPlan>

export const round = z.object({
  id: id('round'),
  state: z.enum(ROUND_STATES),
  plan: trainingPlan,
  opened: time,
  deadline: time,
  ended: z.nullable(time),
  wanted: z.int(),
  minimum: z.int(),
  leases: z.int(),
  accepted: z.int(),
  refused: z.record(z.string(), z.int()),
  /** Where the aggregated weights lie, as safetensors. */
  result: z.nullable(digest),
  why: z.nullable(text(500)),
})
export type Round = z.infer<typeof round>

export const federationRoutes = defineRoutes({
  'rounds.list': {
    method: 'GET',
    path: '/v1/rounds',
    tag: 'Federation',
    summary: 'Rounds, newest first',
    scope: 'viewer',
    query: z.object({ model: z.optional(slug) }),
    reply: { kind: 'json', status: 200, schema: z.object({ items: z.array(round) }) },
  },
  'rounds.open': {
    method: 'POST',
    path: '/v1/models/:model/rounds',
    tag: 'Federation',
    summary: 'Open a round of training on devices',
    scope: 'editor',
    params: z.object({ model: slug }),
    idempotent: true,
    body: {
      kind: 'json',
      schema: z.object({
        plan: z.omit(trainingPlan, { model: true, baseManifest: true }),
        wanted: z.int().check(z.minimum(1)),
        minimum: z.int().check(z.minimum(1)),
        durationMs: z.int().check(z.minimum(1000)),
      }),
    },
    reply: { kind: 'json', status: 201, schema: round },
    errors: ['unknown_model', 'unknown_version', 'conflict', 'unsupported_op'],
  },
  'rounds.get': {
    method: 'GET',
    path: '/v1/rounds/:round',
    tag: 'Federation',
    summary: 'One round',
    scope: 'viewer',
    params: z.object({ round: id('round') }),
    reply: { kind: 'json', status: 200, schema: round },
    errors: ['not_found'],
  },
  'rounds.close': {
    method: 'POST',
    path: '/v1/rounds/:round/close',
    tag: 'Federation',
    summary: 'Aggregate what has come, or abandon the round',
    scope: 'editor',
    params: z.object({ round: id('round') }),
    reply: { kind: 'json', status: 200, schema: round },
    errors: ['not_found', 'conflict'],
  },
  'leases.take': {
    method: 'POST',
    path: '/v1/models/:model/leases',
    tag: 'Device',
    summary: 'Ask to take part in the open round',
    description: 'The lease is null when no round is open or it has enough devices.',
    scope: 'device',
    params: z.object({ model: slug }),
    reply: {
      kind: 'json',
      status: 200,
      schema: z.object({ lease: z.nullable(z.object({ id: id('lease'), round: id('round'), plan: trainingPlan, expires: time })) }),
    },
    errors: ['unknown_model'],
  },
  'updates.submit': {
    method: 'POST',
    path: '/v1/leases/:lease/update',
    tag: 'Device',
    summary: 'Hand in a training contribution',
    description:
      'Safetensors: the difference to the base version, float32, one tensor per weight; metadata `examples`. Counts at most once.',
    scope: 'device',
    params: z.object({ lease: id('lease') }),
    body: { kind: 'bytes', types: ['application/octet-stream'], maxBytes: MAX_UPDATE_BYTES },
    reply: { kind: 'json', status: 202, schema: z.object({ accepted: z.boolean(), why: text(500) }) },
    errors: ['not_found', 'conflict', 'invalid_document', 'shape_mismatch', 'output_not_finite', 'body_too_large'],
  },
})
