import * as z from 'zod/mini'
import { share, slug, text, time, version, versionText } from '../core/fields.ts'
import { defineRoutes } from './route.ts'

/** One input of a version: how it looked in training, beside how devices met it. */
export const featureSkew = z.object({
  feature: text(200),
  kind: z.enum(['numeric', 'categorical']),
  /** Values of the training reference, and those that devices counted. */
  training: z.int(),
  serving: z.int(),
  /** TFDV's distances, over the reference's cells; null where too little was counted to compare. L-infinity is for categories only. */
  infinityNorm: z.nullable(share),
  jensenShannonDivergence: z.nullable(share),
  /** Probability of such a difference by chance, for the sizes of both sides and values of one device not being independent. */
  p: z.nullable(share),
  status: z.enum(['ok', 'watch', 'drift', 'insufficient']),
  sentence: text(1000),
})
export type FeatureSkew = z.infer<typeof featureSkew>

export const skewReport = z.object({
  version,
  from: z.nullable(time),
  to: z.nullable(time),
  devices: z.int(),
  /** Probability of calling any feature drifted where none is. */
  alpha: share,
  features: z.array(featureSkew),
})
export type SkewReport = z.infer<typeof skewReport>

export const skewRoutes = defineRoutes({
  'monitoring.skew': {
    method: 'GET',
    path: '/v1/models/:model/versions/:version/skew',
    tag: 'Monitoring',
    summary: 'Training data of a version beside what devices met',
    description:
      'All that devices have counted for the version, or since a time, against the references that its training data left in the manifest.',
    scope: 'viewer',
    params: z.object({ model: slug, version: versionText }),
    query: z.object({ since: z.optional(z.pipe(z.string().check(z.regex(/^[0-9]{1,15}$/)), z.transform(Number))) }),
    reply: { kind: 'json', status: 200, schema: skewReport },
    errors: ['unknown_model', 'unknown_version'],
  },
})
