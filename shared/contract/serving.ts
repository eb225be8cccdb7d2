import * as z from 'zod/mini'
import { id, share, slug, text, version } from '../core/fields.ts'
import { MAX_PREDICT_BODY_BYTES, MAX_PREDICT_INPUTS } from '../core/limits.ts'
import { defineRoutes } from './route.ts'

/** An image as the app gives it to the device: bytes, row-major, channels interleaved. */
const imageInput = z.object({
  /** Height, width and, unless it is 1, channels. */
  shape: z.array(z.int().check(z.minimum(1), z.maximum(4096))).check(z.minLength(2), z.maxLength(3)),
  /** base64 of uint8 values. */
  data: text(MAX_PREDICT_BODY_BYTES),
})
/** A row of a table, by column. */
const rowInput = z.record(text(128), z.union([z.string(), z.number(), z.boolean(), z.null()]))

/** Inputs by name, for a model that takes tensors as they are. */
const tensorsInput = z.object({
  tensors: z.record(
    text(100),
    z.object({
      /** Left out where it follows from the number of values. */
      shape: z.optional(z.array(z.int().check(z.minimum(0))).check(z.maxLength(8))),
      /** Values in row-major order, or base64 of their little-endian bytes. */
      data: z.union([z.array(z.union([z.number(), z.string(), z.boolean()])), text(MAX_PREDICT_BODY_BYTES)]),
    }),
  ),
})

export const predictInput = z.union([imageInput, tensorsInput, rowInput])
export type PredictInput = z.infer<typeof predictInput>

export const prediction = z.object({
  id: id('prediction'),
  /** Empty for a model without labels. */
  label: text(200),
  /** The probability of `label`; 0 for a model without labels. */
  confidence: share,
  /** In the order of `labels`. */
  probabilities: z.array(z.number()),
  /** For models without labels: everything that they answered, as the Open Inference Protocol writes it. Integers above 2^53 are texts. */
  outputs: z.optional(
    z.array(
      z.object({
        name: text(100),
        datatype: text(10),
        shape: z.array(z.int()),
        data: z.array(z.union([z.number(), z.string(), z.boolean()])),
      }),
    ),
  ),
})
export type Prediction = z.infer<typeof prediction>

export const predictions = z.object({
  model: slug,
  version,
  backend: text(20),
  labels: z.array(text(200)),
  /** In the order of the inputs. */
  predictions: z.array(prediction),
})
export type Predictions = z.infer<typeof predictions>

export const servingRoutes = defineRoutes({
  'models.predict': {
    method: 'POST',
    path: '/v1/models/:model/predict',
    tag: 'Serving',
    summary: 'Ask a model, on the server',
    description:
      'For callers that cannot run the model themselves: the same transforms and the same network as on the devices. Answers with the version that `alias` points at (stable when left out), or with `version`. When more is asked at once than the server takes, it answers 503 with Retry-After.',
    scope: 'viewer',
    params: z.object({ model: slug }),
    body: {
      kind: 'json',
      schema: z.object({
        inputs: z.array(predictInput).check(z.minLength(1), z.maxLength(MAX_PREDICT_INPUTS)),
        alias: z.optional(slug),
        version: z.optional(version),
      }),
      maxBytes: MAX_PREDICT_BODY_BYTES,
    },
    reply: { kind: 'json', status: 200, schema: predictions },
    errors: [
      'unknown_model',
      'unknown_version',
      'version_revoked',
      'shape_mismatch',
      'invalid_document',
      'self_test_failed',
      'output_not_finite',
      'unsupported_op',
      'no_backend',
      'worker_died',
      'timeout',
    ],
  },
})
