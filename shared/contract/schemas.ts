import * as z from 'zod/mini'
import { reason, slug, text, time, versionText } from '../core/fields.ts'
import { datasetSchema } from '../data/schema.ts'
import { schemaChange } from '../data/schema-diff.ts'
import { defineRoutes } from './route.ts'

/** One version of what the rows of a dataset have to look like, from its proposal to what became of it. */
export const schemaVersion = z.object({
  version: z.int(),
  /** One is accepted at a time: the one before becomes superseded. */
  state: z.enum(['proposed', 'accepted', 'rejected', 'superseded']),
  schema: datasetSchema,
  /** Beside the accepted schema at the time of the decision; of a proposal beside the accepted schema now. */
  changes: z.array(schemaChange),
  proposed: z.object({ at: time, by: text(200), reason: text(2000) }),
  decided: z.nullable(z.object({ at: time, by: text(200), reason: text(2000) })),
})
export type SchemaVersion = z.infer<typeof schemaVersion>

const dataset = z.object({ dataset: slug })
const one = z.object({ dataset: slug, version: versionText })
const reply = { kind: 'json', status: 200, schema: schemaVersion } as const
const decision = { kind: 'json', schema: z.object({ reason }) } as const

export const schemaRoutes = defineRoutes({
  'schemas.list': {
    method: 'GET',
    path: '/v1/datasets/:dataset/schemas',
    tag: 'Datasets',
    summary: 'Versions of a schema, the newest first',
    scope: 'viewer',
    params: dataset,
    reply: { kind: 'json', status: 200, schema: z.object({ items: z.array(schemaVersion) }) },
    errors: ['unknown_dataset'],
  },
  'schemas.propose': {
    method: 'POST',
    path: '/v1/datasets/:dataset/schemas',
    tag: 'Datasets',
    summary: 'Propose a schema',
    description: 'It changes nothing until it is accepted.',
    scope: 'editor',
    params: dataset,
    body: { kind: 'json', schema: z.object({ schema: datasetSchema, reason }) },
    reply: { ...reply, status: 201 },
    errors: ['unknown_dataset'],
  },
  'schemas.infer': {
    method: 'POST',
    path: '/v1/datasets/:dataset/schemas/infer',
    tag: 'Datasets',
    summary: 'Propose the schema that the newest rows show',
    description:
      'Inferred from one span, the newest unless another is named. What the accepted schema says beyond what rows show (bounds, comparators, environments) is kept.',
    scope: 'editor',
    params: dataset,
    body: { kind: 'json', schema: z.object({ span: z.optional(z.int().check(z.minimum(1))), label: z.optional(text(128)), reason }) },
    reply: { ...reply, status: 201 },
    errors: ['unknown_dataset', 'not_found'],
  },
  'schemas.accept': {
    method: 'POST',
    path: '/v1/datasets/:dataset/schemas/:version/accept',
    tag: 'Datasets',
    summary: 'Accept a proposed schema',
    description: 'From now on data is held against it. Runs that the one before has stopped can be resumed.',
    scope: 'editor',
    params: one,
    body: decision,
    reply,
    errors: ['unknown_dataset', 'not_found', 'conflict'],
  },
  'schemas.reject': {
    method: 'POST',
    path: '/v1/datasets/:dataset/schemas/:version/reject',
    tag: 'Datasets',
    summary: 'Reject a proposed schema',
    scope: 'editor',
    params: one,
    body: decision,
    reply,
    errors: ['unknown_dataset', 'not_found', 'conflict'],
  },
})
