import * as z from 'zod/mini'
import { id, jsonObject, slug, text } from '../core/fields.ts'
import { runSummary } from './pipelines.ts'
import { defineRoutes } from './route.ts'

/** A kind of step: what it takes and makes, by type of artifact (`?`: it also runs without), and a JSON Schema of its parameters. */
export const componentSummary = z.object({
  name: slug,
  version: text(40),
  inputs: z.record(z.string(), text(100)),
  outputs: z.record(z.string(), text(100)),
  params: jsonObject,
})
export type ComponentSummary = z.infer<typeof componentSummary>

export const componentRoutes = defineRoutes({
  'components.list': {
    method: 'GET',
    path: '/v1/components',
    tag: 'Pipelines',
    summary: 'Kinds of steps that can be run by themselves',
    scope: 'viewer',
    reply: { kind: 'json', status: 200, schema: z.object({ items: z.array(componentSummary) }) },
  },
  'components.run': {
    method: 'POST',
    path: '/v1/components/:component/runs',
    tag: 'Pipelines',
    summary: 'Run one step by itself, on stored artifacts',
    description: 'A run like any other, of one step: recorded, cached, in the lineage of the artifacts that it takes.',
    scope: 'editor',
    idempotent: true,
    params: z.object({ component: slug }),
    body: {
      kind: 'json',
      schema: z.object({
        inputs: z._default(z.record(z.string(), id('artifact')), {}),
        params: z._default(jsonObject, {}),
        seed: z._default(z.int(), 1),
        reason: z._default(text(2000), 'on demand'),
      }),
    },
    reply: { kind: 'json', status: 202, schema: runSummary },
    errors: ['not_found'],
  },
})
