import type { Handlers } from '../http/register.ts'
import type { Serving } from './serving-service.ts'

export const servingRoutes = (serving: Serving): Handlers => ({
  'models.predict': ({ params, body }) => serving.predict({ model: params.model, ...body }),
})
