import * as z from 'zod/mini'
import { digest, id, reason, slug, text, time, version, versionText } from '../core/fields.ts'
import { MAX_BLOB_BYTES, MAX_MANIFEST_BYTES } from '../core/limits.ts'
import { envelope } from '../trust/dsse.ts'
import { manifestDraft } from '../trust/manifest.ts'
import { defineRoutes } from './route.ts'

export const modelSummary = z.object({
  name: slug,
  description: text(2000),
  created: time,
  versions: z.int(),
  latest: z.nullable(version),
  /** Which version each alias points at now. */
  aliases: z.record(z.string(), version),
})
export type ModelSummary = z.infer<typeof modelSummary>

export const versionSummary = z.object({
  model: slug,
  version,
  manifest: digest,
  parent: z.nullable(version),
  created: time,
  bytes: z.int(),
  metrics: z.record(z.string(), z.number()),
  run: z.nullable(id('run')),
  notes: text(2000),
  revoked: z.nullable(z.object({ at: time, reason: text(2000) })),
  aliases: z.array(slug),
})
export type VersionSummary = z.infer<typeof versionSummary>

/** One change of an alias: what it pointed at, who moved it, why. */
export const aliasChange = z.object({ alias: slug, from: z.nullable(version), to: version, at: time, by: text(200), reason: text(2000) })
export type AliasChange = z.infer<typeof aliasChange>

const modelParams = z.object({ model: slug })
const versionParams = z.object({ model: slug, version: versionText })

export const registryRoutes = defineRoutes({
  'models.list': {
    method: 'GET',
    path: '/v1/models',
    tag: 'Registry',
    summary: 'List models',
    scope: 'viewer',
    reply: { kind: 'json', status: 200, schema: z.object({ items: z.array(modelSummary) }) },
  },
  'models.create': {
    method: 'POST',
    path: '/v1/models',
    tag: 'Registry',
    summary: 'Make a model',
    scope: 'editor',
    idempotent: true,
    body: { kind: 'json', schema: z.object({ name: slug, description: z._default(text(2000), '') }) },
    reply: { kind: 'json', status: 201, schema: modelSummary },
    errors: ['already_exists'],
  },
  'models.get': {
    method: 'GET',
    path: '/v1/models/:model',
    tag: 'Registry',
    summary: 'One model',
    scope: 'viewer',
    params: modelParams,
    reply: { kind: 'json', status: 200, schema: modelSummary },
    errors: ['unknown_model'],
  },
  'versions.list': {
    method: 'GET',
    path: '/v1/models/:model/versions',
    tag: 'Registry',
    summary: 'Versions of a model, newest first',
    scope: 'viewer',
    params: modelParams,
    reply: { kind: 'json', status: 200, schema: z.object({ items: z.array(versionSummary) }) },
    errors: ['unknown_model'],
  },
  'versions.create': {
    method: 'POST',
    path: '/v1/models/:model/versions',
    tag: 'Registry',
    summary: 'Register a version',
    description:
      'Every piece that the draft names must be uploaded first (PUT /v1/blobs/:digest). The server checks each tensor digest, completes the manifest and signs it. Nothing is visible before everything is there.',
    scope: 'editor',
    idempotent: true,
    params: modelParams,
    body: { kind: 'json', schema: z.object({ draft: manifestDraft, parent: z.nullable(version) }), maxBytes: MAX_MANIFEST_BYTES },
    reply: { kind: 'json', status: 201, schema: versionSummary },
    errors: ['unknown_model', 'unknown_version', 'unknown_blob', 'digest_mismatch', 'invalid_document', 'body_too_large'],
  },
  'versions.get': {
    method: 'GET',
    path: '/v1/models/:model/versions/:version',
    tag: 'Registry',
    summary: 'One version',
    scope: 'viewer',
    params: versionParams,
    reply: { kind: 'json', status: 200, schema: versionSummary },
    errors: ['unknown_model', 'unknown_version'],
  },
  'versions.revoke': {
    method: 'POST',
    path: '/v1/models/:model/versions/:version/revoke',
    tag: 'Registry',
    summary: 'Forbid a version everywhere',
    description: 'Devices stop running it at their next poll. An alias must not point at it.',
    scope: 'releaser',
    params: versionParams,
    body: { kind: 'json', schema: z.object({ reason }) },
    reply: { kind: 'json', status: 200, schema: versionSummary },
    errors: ['unknown_model', 'unknown_version', 'conflict'],
  },
  'aliases.set': {
    method: 'PUT',
    path: '/v1/models/:model/aliases/:alias',
    tag: 'Registry',
    summary: 'Point an alias at a version',
    description: 'Publishes a new release document with a higher sequence. `expected` guards against a change in between.',
    scope: 'releaser',
    params: z.object({ model: slug, alias: slug }),
    body: { kind: 'json', schema: z.object({ version, reason, expected: z.optional(z.nullable(version)) }) },
    reply: { kind: 'json', status: 200, schema: aliasChange },
    errors: ['unknown_model', 'unknown_version', 'version_revoked', 'precondition_failed', 'conflict'],
  },
  'aliases.history': {
    method: 'GET',
    path: '/v1/models/:model/aliases/:alias/history',
    tag: 'Registry',
    summary: 'Which version was live when, who moved it, why',
    scope: 'viewer',
    params: z.object({ model: slug, alias: slug }),
    reply: { kind: 'json', status: 200, schema: z.object({ items: z.array(aliasChange) }) },
    errors: ['unknown_model', 'not_found'],
  },
  'aliases.rollback': {
    method: 'POST',
    path: '/v1/models/:model/aliases/:alias/rollback',
    tag: 'Registry',
    summary: 'Go back to the version before',
    scope: 'releaser',
    params: z.object({ model: slug, alias: slug }),
    body: { kind: 'json', schema: z.object({ reason }) },
    reply: { kind: 'json', status: 200, schema: aliasChange },
    errors: ['unknown_model', 'not_found', 'conflict'],
  },
})

export const deliveryRoutes = defineRoutes({
  'root.get': {
    method: 'GET',
    path: '/v1/root',
    tag: 'Delivery',
    summary: 'The signed root document: which keys may sign what',
    scope: 'public',
    cache: 'revalidate',
    reply: { kind: 'json', status: 200, schema: envelope },
  },
  'release.get': {
    method: 'GET',
    path: '/v1/models/:model/releases/:alias',
    tag: 'Delivery',
    summary: 'The signed release document that the fleet polls',
    description: 'Has an ETag and the same content for every device, so any cache may keep it.',
    scope: 'public',
    cache: 'revalidate',
    params: z.object({ model: slug, alias: slug }),
    reply: { kind: 'json', status: 200, schema: envelope },
    errors: ['unknown_model', 'not_found'],
  },
  'manifest.get': {
    method: 'GET',
    path: '/v1/manifests/:digest',
    tag: 'Delivery',
    summary: 'A signed manifest, by its digest',
    description: 'Immutable.',
    scope: 'public',
    cache: 'immutable',
    params: z.object({ digest }),
    reply: { kind: 'json', status: 200, schema: envelope },
    errors: ['not_found'],
  },
  'blob.get': {
    method: 'GET',
    path: '/v1/blobs/:digest',
    tag: 'Delivery',
    summary: 'Bytes, by their digest',
    description: 'Immutable; takes Range requests.',
    scope: 'public',
    cache: 'immutable',
    params: z.object({ digest }),
    reply: { kind: 'bytes', type: 'application/octet-stream' },
    errors: ['unknown_blob', 'range_not_satisfiable'],
  },
  'blob.put': {
    method: 'PUT',
    path: '/v1/blobs/:digest',
    tag: 'Delivery',
    summary: 'Store bytes under their digest',
    description: 'Answers only when the bytes are durable. Storing what is there already changes nothing.',
    scope: 'editor',
    params: z.object({ digest }),
    body: { kind: 'bytes', types: ['application/octet-stream'], maxBytes: MAX_BLOB_BYTES },
    reply: { kind: 'json', status: 201, schema: z.object({ digest, bytes: z.int() }) },
    errors: ['digest_mismatch', 'body_too_large', 'storage_full'],
  },
  'bell.listen': {
    method: 'GET',
    path: '/v1/bell',
    tag: 'Delivery',
    summary: 'Rings when a release document changes',
    description: 'Server-sent events; a convenience over polling, never relied on.',
    scope: 'public',
    reply: { kind: 'events', schema: z.object({ model: slug, alias: slug, sequence: z.int() }) },
  },
})
