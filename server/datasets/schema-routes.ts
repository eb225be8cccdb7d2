import { nameOf } from '../http/actor.ts'
import type { Handlers } from '../http/register.ts'
import type { Schemas } from './schema-service.ts'

export const schemaRoutes = (schemas: Schemas): Handlers => ({
  'schemas.list': async ({ params }) => ({ items: await schemas.list(params.dataset) }),
  'schemas.propose': ({ params, body, actor }) => schemas.propose(params.dataset, { ...body, by: nameOf(actor) }),
  'schemas.infer': ({ params, body, actor }) => schemas.infer(params.dataset, { ...body, by: nameOf(actor) }),
  'schemas.accept': ({ params, body, actor }) =>
    schemas.decide(params.dataset, params.version, { ...body, state: 'accepted', by: nameOf(actor) }),
  'schemas.reject': ({ params, body, actor }) =>
    schemas.decide(params.dataset, params.version, { ...body, state: 'rejected', by: nameOf(actor) }),
})
