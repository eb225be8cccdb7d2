import type { Handlers } from '../http/register.ts'
import type { Tracking } from './tracking-service.ts'

export const trackingRoutes = (tracking: Tracking): Handlers => ({
  'runs.log': async ({ params, body }) => {
    await tracking.log(params.run, body)
    return undefined
  },
  'runs.values': ({ params }) => tracking.values(params.run),
  'runs.metric': ({ params, query }) => tracking.metric(params.run, params.metric, query),
  'runs.search': ({ query }) => tracking.search(query),
})
