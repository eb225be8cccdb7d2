import * as z from 'zod/mini'
import { id, reason, share, slug, text, time, version } from '../core/fields.ts'
import { defineRoutes } from './route.ts'

export const ROLLOUT_STATES = ['running', 'promoted', 'rolled-back', 'inconclusive'] as const

/** A share of the fleet, and how many candidate devices must have reported before the next one. */
export const rolloutStage = z.object({ share, minDevices: z.int().check(z.minimum(0)) })

export const rolloutPolicy = z.object({
  stages: z._default(z.array(rolloutStage).check(z.minLength(1), z.maxLength(10)), [
    { share: 0.1, minDevices: 5 },
    { share: 0.3, minDevices: 10 },
    { share: 0.5, minDevices: 20 },
  ]),
  /** Bound on the probability of ever rolling back a candidate that is no worse. */
  alpha: z._default(z.number().check(z.gt(0), z.lt(0.5)), 0.01),
  /** Bound on the probability of promoting a candidate whose odds of a bad first window are `oddsCeiling` times those of the stable version. */
  beta: z._default(z.number().check(z.gt(0), z.lt(0.5)), 0.05),
  oddsCeiling: z._default(z.number().check(z.gt(1), z.maximum(20)), 2),
  /** Predictions in a device's first window, after which it reports once whether the window was bad. */
  firstWindow: z._default(z.int().check(z.minimum(1), z.maximum(1000)), 20),
  /** Longest life, milliseconds; then the rollout is inconclusive, which never means promoted. */
  maxDurationMs: z._default(z.int().check(z.minimum(1000)), 14 * 24 * 60 * 60 * 1000),
  /** Candidate devices after which a rollout without evidence of harm may be promoted even though "no worse than oddsCeiling" is not yet proven; 0 never. */
  promoteAfterDevices: z._default(z.int().check(z.minimum(0)), 0),
})
export type RolloutPolicy = z.infer<typeof rolloutPolicy>

const arm = z.object({ devices: z.int(), bad: z.int() })
/** The evidence at one look. e-values are natural logarithms; a decision falls at ln(1/alpha) or ln(1/beta). */
export const rolloutEvidence = z.object({
  at: time,
  stage: z.int(),
  candidate: arm,
  stable: arm,
  logRollback: z.number(),
  logPromote: z.number(),
  selfRollbacks: z.int(),
  needMore: z.int(),
  sentence: text(1000),
})
export type RolloutEvidence = z.infer<typeof rolloutEvidence>

export const rollout = z.object({
  id: id('rollout'),
  model: slug,
  alias: slug,
  mode: z.enum(['canary', 'ab', 'shadow']),
  candidate: version,
  stable: version,
  state: z.enum(ROLLOUT_STATES),
  stage: z.int(),
  share,
  policy: z.object({
    stages: z.array(rolloutStage),
    alpha: z.number(),
    beta: z.number(),
    oddsCeiling: z.number(),
    firstWindow: z.int(),
    maxDurationMs: z.int(),
    promoteAfterDevices: z.int(),
  }),
  created: time,
  ended: z.nullable(time),
  /** Who or what decided, and why. */
  decision: z.nullable(z.object({ by: text(200), reason: text(2000) })),
  evidence: z.nullable(rolloutEvidence),
})
export type Rollout = z.infer<typeof rollout>

const rolloutParams = z.object({ rollout: id('rollout') })

export const rolloutRoutes = defineRoutes({
  'rollouts.list': {
    method: 'GET',
    path: '/v1/rollouts',
    tag: 'Rollouts',
    summary: 'Rollouts, newest first',
    scope: 'viewer',
    query: z.object({ model: z.optional(slug) }),
    reply: { kind: 'json', status: 200, schema: z.object({ items: z.array(rollout) }) },
  },
  'rollouts.get': {
    method: 'GET',
    path: '/v1/rollouts/:rollout',
    tag: 'Rollouts',
    summary: 'One rollout with every look at its evidence',
    scope: 'viewer',
    params: rolloutParams,
    reply: { kind: 'json', status: 200, schema: z.object({ rollout, history: z.array(rolloutEvidence) }) },
    errors: ['not_found'],
  },
  'rollouts.start': {
    method: 'POST',
    path: '/v1/models/:model/rollouts',
    tag: 'Rollouts',
    summary: 'Send a version to a share of the devices',
    scope: 'releaser',
    idempotent: true,
    params: z.object({ model: slug }),
    body: {
      kind: 'json',
      schema: z.object({
        candidate: version,
        alias: z._default(slug, 'stable' as never),
        mode: z._default(z.enum(['canary', 'ab', 'shadow']), 'canary'),
        policy: z.optional(rolloutPolicy),
        reason,
      }),
    },
    reply: { kind: 'json', status: 201, schema: rollout },
    errors: ['unknown_model', 'unknown_version', 'conflict', 'version_revoked'],
  },
  'rollouts.promote': {
    method: 'POST',
    path: '/v1/rollouts/:rollout/promote',
    tag: 'Rollouts',
    summary: 'Make the candidate the stable version now',
    scope: 'releaser',
    params: rolloutParams,
    body: { kind: 'json', schema: z.object({ reason }) },
    reply: { kind: 'json', status: 200, schema: rollout },
    errors: ['not_found', 'conflict'],
  },
  'rollouts.rollback': {
    method: 'POST',
    path: '/v1/rollouts/:rollout/rollback',
    tag: 'Rollouts',
    summary: 'Take the candidate back now',
    scope: 'releaser',
    params: rolloutParams,
    body: { kind: 'json', schema: z.object({ reason }) },
    reply: { kind: 'json', status: 200, schema: rollout },
    errors: ['not_found', 'conflict'],
  },
})
