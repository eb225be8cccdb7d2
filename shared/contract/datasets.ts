import * as z from 'zod/mini'
import { digest, slug, text, time } from '../core/fields.ts'
import { MAX_BLOB_BYTES, MAX_EXAMPLES_BODY_BYTES, MAX_EXAMPLES_PER_REQUEST } from '../core/limits.ts'
import { datasetSchema } from '../data/schema.ts'
import { defineRoutes } from './route.ts'

/** One arrival of data: immutable, numbered from 1. */
export const spanSummary = z.object({ span: z.int(), source: text(200), rows: z.int(), bytes: z.int(), digest, created: time })
export const datasetSummary = z.object({
  name: slug,
  description: text(2000),
  created: time,
  rows: z.int(),
  spans: z.array(spanSummary),
  schema: z.nullable(datasetSchema),
})
export type DatasetSummary = z.infer<typeof datasetSummary>

/** An example that the person at the app agreed to share: the input as the app gave it, and the right answer. */
export const sharedExample = z.object({
  /** Chosen by the device; the same id twice is one example. */
  id: z.string().check(z.regex(/^[A-Za-z0-9_-]{8,64}$/)),
  captured: time,
  label: text(200),
  shape: z.array(z.int().check(z.minimum(1), z.maximum(4096))).check(z.minLength(1), z.maxLength(4)),
  /** base64 of uint8 values, row-major. */
  data: text(1_000_000),
})
export type SharedExample = z.infer<typeof sharedExample>

const UPLOAD_TYPES = ['application/vnd.apache.parquet', 'text/csv', 'text/tab-separated-values', 'application/json', 'application/x-ndjson']

export const datasetRoutes = defineRoutes({
  'sources.list': {
    method: 'GET',
    path: '/v1/sources',
    tag: 'Datasets',
    summary: 'Places that data may be imported from',
    description: 'Databases and folders that whoever runs the server has named (`--sources`).',
    scope: 'viewer',
    reply: {
      kind: 'json',
      status: 200,
      schema: z.object({ items: z.array(z.object({ name: slug, kind: z.enum(['postgres', 'sqlite', 'folder']) })) }),
    },
  },
  'spans.import': {
    method: 'POST',
    path: '/v1/datasets/:dataset/import',
    tag: 'Datasets',
    summary: 'Add rows of a source as a span',
    description: 'A table, what one SELECT gives, or a file of a folder. Where the rows are the same as the last time nothing is added.',
    scope: 'editor',
    params: z.object({ dataset: slug }),
    body: {
      kind: 'json',
      schema: z.object({
        source: slug,
        table: z.optional(text(200).check(z.minLength(1))),
        query: z.optional(text(20_000).check(z.minLength(1))),
        file: z.optional(text(1000).check(z.minLength(1))),
      }),
    },
    reply: { kind: 'json', status: 200, schema: z.object({ span: spanSummary, added: z.boolean() }) },
    errors: ['unknown_dataset', 'not_found', 'invalid_input', 'timeout', 'unavailable', 'step_crashed', 'storage_full'],
  },
  'datasets.list': {
    method: 'GET',
    path: '/v1/datasets',
    tag: 'Datasets',
    summary: 'List datasets',
    scope: 'viewer',
    reply: { kind: 'json', status: 200, schema: z.object({ items: z.array(datasetSummary) }) },
  },
  'datasets.create': {
    method: 'POST',
    path: '/v1/datasets',
    tag: 'Datasets',
    summary: 'Make a dataset',
    scope: 'editor',
    body: { kind: 'json', schema: z.object({ name: slug, description: z._default(text(2000), ''), schema: z.optional(datasetSchema) }) },
    reply: { kind: 'json', status: 201, schema: datasetSummary },
    errors: ['already_exists'],
  },
  'datasets.get': {
    method: 'GET',
    path: '/v1/datasets/:dataset',
    tag: 'Datasets',
    summary: 'One dataset with its spans',
    scope: 'viewer',
    params: z.object({ dataset: slug }),
    reply: { kind: 'json', status: 200, schema: datasetSummary },
    errors: ['unknown_dataset'],
  },
  'datasets.setSchema': {
    method: 'PUT',
    path: '/v1/datasets/:dataset/schema',
    tag: 'Datasets',
    summary: 'Accept a schema for a dataset',
    scope: 'editor',
    params: z.object({ dataset: slug }),
    body: { kind: 'json', schema: datasetSchema },
    reply: { kind: 'json', status: 200, schema: datasetSummary },
    errors: ['unknown_dataset'],
  },
  'spans.upload': {
    method: 'POST',
    path: '/v1/datasets/:dataset/spans',
    tag: 'Datasets',
    summary: 'Add a file of rows',
    description: 'Parquet as it is; CSV or tab-separated text with a header line; JSON, an array of objects or one object a line.',
    scope: 'editor',
    idempotent: true,
    params: z.object({ dataset: slug }),
    body: { kind: 'bytes', types: UPLOAD_TYPES, maxBytes: MAX_BLOB_BYTES },
    reply: { kind: 'json', status: 201, schema: spanSummary },
    errors: ['unknown_dataset', 'body_too_large', 'unsupported_media_type', 'storage_full'],
  },
  'spans.collect': {
    method: 'POST',
    path: '/v1/datasets/:dataset/collect',
    tag: 'Datasets',
    summary: 'Turn the examples that people shared into a new span',
    description: 'The span is null when nothing new was shared since the last one.',
    scope: 'editor',
    params: z.object({ dataset: slug }),
    body: { kind: 'json', schema: z.object({ model: slug }) },
    reply: { kind: 'json', status: 200, schema: z.object({ span: z.nullable(spanSummary) }) },
    errors: ['unknown_dataset', 'unknown_model', 'storage_full'],
  },
  'examples.share': {
    method: 'POST',
    path: '/v1/models/:model/examples',
    tag: 'Device',
    summary: 'Share labelled examples',
    description: 'Only what the person agreed to share. Kept until the dataset that belongs to the model takes them as a new span.',
    scope: 'device-or-editor',
    params: z.object({ model: slug }),
    body: {
      kind: 'json',
      schema: z.object({ examples: z.array(sharedExample).check(z.minLength(1), z.maxLength(MAX_EXAMPLES_PER_REQUEST)) }),
      maxBytes: MAX_EXAMPLES_BODY_BYTES,
    },
    reply: { kind: 'json', status: 201, schema: z.object({ accepted: z.int(), duplicates: z.int() }) },
    errors: ['unknown_model', 'body_too_large', 'shape_mismatch', 'storage_full'],
  },
})
