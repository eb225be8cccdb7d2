import type { Handlers } from '../http/register.ts'
import type { Imports } from './import-service.ts'

export const importRoutes = (imports: Imports): Handlers => ({
  'versions.import': ({ params, body, actor, idempotencyKey }) =>
    imports.create({ model: params.model, ...body, request: idempotencyKey }, actor),
})
