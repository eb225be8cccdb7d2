import type { Handlers } from '../http/register.ts'
import type { Registry } from './registry-service.ts'

export const registryRoutes = (registry: Registry): Handlers => ({
  'models.list': async () => ({ items: await registry.listModels() }),
  'models.create': ({ body }) => registry.createModel(body),
  'models.get': ({ params }) => registry.getModel(params.model),
  'versions.list': async ({ params }) => ({ items: await registry.listVersions(params.model) }),
  'versions.create': ({ params, body, actor, idempotencyKey }) =>
    registry.registerVersion({ model: params.model, ...body, request: idempotencyKey }, actor),
  'versions.get': ({ params }) => registry.getVersion(params.model, params.version),
  'versions.revoke': ({ params, body, actor }) => registry.revokeVersion({ ...params, reason: body.reason }, actor),
  'aliases.set': ({ params, body, actor }) => registry.setAlias({ ...params, ...body }, actor),
  'aliases.history': async ({ params }) => ({ items: await registry.aliasHistory(params.model, params.alias) }),
  'aliases.rollback': ({ params, body, actor }) => registry.rollbackAlias({ ...params, reason: body.reason }, actor),
})
