import * as z from 'zod/mini'
import { ERROR_CODES } from '../core/errors.ts'
import { digest, id, slug, time, version } from '../core/fields.ts'
import { calibrationCountsSchema } from './calibration.ts'
import { countersSchema } from './counters.ts'
import { latencyJsonSchema } from './latency-sketch.ts'
import { outcomeCountsSchema } from './outcomes.ts'

/** Bins of the calibration counts in every report. */
export const CALIBRATION_BINS = 10

const count = z.int().check(z.minimum(0), z.maximum(1_000_000))

/** Which side of a rollout a device was assigned to. */
export const ARMS = ['candidate', 'stable'] as const

/**
 * A device's whole part in the evidence of one rollout: after its first window on the version it was assigned to, one bit. The device is the
 * unit, not the prediction, since what one device sees is never independent.
 */
export const deviceOutcome = z.strictObject({
  rollout: id('rollout'),
  /** The stage of the rollout in which the window was begun or, for a stable device that had not finished, gone on with. */
  stage: z.int().check(z.minimum(0), z.maximum(100)),
  arm: z.enum(ARMS),
  bad: z.boolean(),
})
export type DeviceOutcome = z.infer<typeof deviceOutcome>

/** A version that this device left by itself, and why. */
export const selfRollback = z.strictObject({ version, code: z.enum(ERROR_CODES), to: z.nullable(version) })

/**
 * What one device counted in one window for one version. Numbers only, against the references that the manifest ships; nothing of the inputs themselves.
 * (epoch, window, sequence) names a report for ever: the same one twice counts once. The epoch is a random token that the device changes every day, so
 * that reports of different days cannot be joined.
 */
export const report = z.strictObject({
  epoch: z.string().check(z.regex(/^[0-9a-f]{32}$/, '32 hex digits')),
  /** When the window began, rounded down to the minute. */
  window: time,
  sequence: z.int().check(z.minimum(0), z.maximum(1_000_000)),
  model: slug,
  version,
  manifest: digest,
  /** Predictions made in this window. */
  predictions: count,
  counters: countersSchema,
  calibration: z.nullable(calibrationCountsSchema),
  latency: z.nullable(latencyJsonSchema),
  outcomes: z.nullable(outcomeCountsSchema),
  firstWindow: z.nullable(deviceOutcome),
  /** Coded errors by how often they happened. */
  errors: z.partialRecord(z.enum(ERROR_CODES), count),
  selfRollbacks: z.array(selfRollback).check(z.maxLength(8)),
  backend: z.nullable(z.enum(['webgpu', 'wasm', 'cpu'])),
  /** Events that found no room before they could be sent. */
  dropped: count,
})
export type Report = z.infer<typeof report>
