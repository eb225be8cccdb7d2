import * as z from 'zod/mini'
import { id, slug, text, time } from '../core/fields.ts'
import { defineRoutes, KEY_SCOPES } from './route.ts'

const key = z.object({
  id: id('key'),
  name: text(100),
  scope: z.enum(KEY_SCOPES),
  created: time,
  expires: z.nullable(time),
  revoked: z.nullable(time),
  lastUsed: z.nullable(time),
})
const app = z.object({ app: slug, created: time, models: z.array(slug) })

export const accessRoutes = defineRoutes({
  'keys.list': {
    method: 'GET',
    path: '/v1/keys',
    tag: 'Access',
    summary: 'List API keys',
    scope: 'admin',
    reply: { kind: 'json', status: 200, schema: z.object({ items: z.array(key) }) },
  },
  'keys.create': {
    method: 'POST',
    path: '/v1/keys',
    tag: 'Access',
    summary: 'Make an API key',
    description: 'The secret is in this answer and nowhere else: it is stored as a hash.',
    scope: 'admin',
    body: { kind: 'json', schema: z.object({ name: text(100), scope: z.enum(KEY_SCOPES), expires: z.optional(time) }) },
    reply: { kind: 'json', status: 201, schema: z.object({ key, secret: z.string() }) },
  },
  'keys.revoke': {
    method: 'DELETE',
    path: '/v1/keys/:key',
    tag: 'Access',
    summary: 'Revoke an API key',
    scope: 'admin',
    params: z.object({ key: id('key') }),
    reply: { kind: 'empty' },
    errors: ['not_found'],
  },
  'keys.self': {
    method: 'GET',
    path: '/v1/keys/self',
    tag: 'Access',
    summary: 'What the presented key may do',
    scope: 'viewer',
    reply: { kind: 'json', status: 200, schema: key },
  },
  'apps.list': {
    method: 'GET',
    path: '/v1/apps',
    tag: 'Access',
    summary: 'List apps',
    scope: 'viewer',
    reply: { kind: 'json', status: 200, schema: z.object({ items: z.array(app) }) },
  },
  'apps.create': {
    method: 'POST',
    path: '/v1/apps',
    tag: 'Access',
    summary: 'Make an app: what devices register with',
    scope: 'editor',
    body: { kind: 'json', schema: z.object({ app: slug, models: z.array(slug).check(z.maxLength(100)) }) },
    reply: { kind: 'json', status: 201, schema: app },
    errors: ['already_exists'],
  },
  'devices.register': {
    method: 'POST',
    path: '/v1/apps/:app/devices',
    tag: 'Device',
    summary: 'Register a device',
    description:
      'Gives a device its id and token. The id is random and says nothing about the person; a device may forget it and register anew at any time.',
    scope: 'public',
    params: z.object({ app: slug }),
    reply: { kind: 'json', status: 201, schema: z.object({ device: id('device'), token: z.string(), expires: time }) },
    errors: ['not_found'],
  },
  'info.get': {
    method: 'GET',
    path: '/v1/info',
    tag: 'Server',
    summary: 'Name, version and time of this server',
    scope: 'public',
    reply: { kind: 'json', status: 200, schema: z.object({ name: z.literal('shoal'), version: z.string(), time, apps: z.array(slug) }) },
  },
  'health.live': {
    method: 'GET',
    path: '/health/live',
    tag: 'Server',
    summary: 'The process answers',
    scope: 'public',
    reply: { kind: 'json', status: 200, schema: z.object({ live: z.literal(true) }) },
  },
  'health.ready': {
    method: 'GET',
    path: '/health/ready',
    tag: 'Server',
    summary: 'Database and blob store take writes',
    scope: 'public',
    reply: { kind: 'json', status: 200, schema: z.object({ ready: z.literal(true), checks: z.record(z.string(), z.string()) }) },
    errors: ['unavailable'],
  },
})
