import * as z from 'zod/mini'
import { digest, share, slug, text, version } from '../core/fields.ts'
import { MAX_IMPORT_FILES } from '../core/limits.ts'
import { signatureEntry } from '../trust/manifest.ts'
import { MODEL_FORMATS } from '../trust/model-format.ts'
import { versionSummary } from './registry.ts'
import { defineRoutes } from './route.ts'

/** An input that a model is tried on: its values, or its shape alone, whereupon the values are drawn. */
export const givenTensor = z.object({
  shape: z.optional(z.array(z.int().check(z.minimum(0), z.maximum(2 ** 24))).check(z.maxLength(8))),
  data: z.optional(z.array(z.union([z.number(), z.string(), z.boolean()])).check(z.maxLength(200_000))),
})
export type GivenTensor = z.infer<typeof givenTensor>

export const importedVersion = z.object({
  version: versionSummary,
  runtime: z.enum(MODEL_FORMATS),
  /** Kind, producer and opset, in a sentence. */
  description: text(400),
  signature: z.object({ inputs: z.array(signatureEntry), outputs: z.array(signatureEntry) }),
})
export type ImportedVersion = z.infer<typeof importedVersion>

export const importRoutes = defineRoutes({
  'versions.import': {
    method: 'POST',
    path: '/v1/models/:model/import',
    tag: 'Registry',
    summary: 'Register a version from a model file',
    description:
      'The files are uploaded first (PUT /v1/blobs/:digest): one ONNX file, or the model.json of a tfjs graph or layers model with its weight files. The server reads them, infers names, types and shapes of inputs and outputs, runs the model once on drawn inputs (or those of `example`) for the self-test that every device repeats, and registers the version; the model is made where it does not exist. Nothing in a file is run as code. A file may have 256 MiB.',
    scope: 'editor',
    idempotent: true,
    params: z.object({ model: slug }),
    body: {
      kind: 'json',
      schema: z.object({
        files: z.array(z.object({ name: text(400), digest })).check(z.minLength(1), z.maxLength(MAX_IMPORT_FILES)),
        /** Of a classifier, in the order of its first output. */
        labels: z._default(z.array(text(200)).check(z.maxLength(10_000)), []),
        /** By input name; needed for inputs whose sizes are open, or that do not take any number. */
        example: z._default(z.record(text(100), givenTensor), {}),
        notes: z._default(text(1000), ''),
        /** What a device holds the version to, where people judge its answers. */
        errorRate: z._default(share.check(z.gt(0), z.lt(1)), 0.5),
        /** How far from the truth its number may lie to count as right, where it answers with one. */
        errorBound: z.optional(z.number().check(z.minimum(0))),
        /** Milliseconds that no answer should take. */
        latencyCeilingMs: z._default(z.number().check(z.minimum(1)), 10_000),
        /** The version that this one comes from; what `stable` points at where left out. */
        parent: z.optional(z.nullable(version)),
      }),
    },
    reply: { kind: 'json', status: 201, schema: importedVersion },
    errors: [
      'unknown_version',
      'unknown_blob',
      'body_too_large',
      'invalid_document',
      'invalid_input',
      'shape_mismatch',
      'unsupported_op',
      'output_not_finite',
      'self_test_failed',
      'out_of_memory',
      'no_backend',
      'worker_died',
      'timeout',
      'damaged_data',
      'digest_mismatch',
      'storage_full',
    ],
  },
})
