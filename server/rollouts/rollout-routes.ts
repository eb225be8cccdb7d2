import type { Handlers } from '../http/register.ts'
import type { Rollouts } from './rollout-service.ts'

export const rolloutRoutes = (rollouts: Rollouts): Handlers => ({
  'rollouts.list': async ({ query }) => ({ items: await rollouts.list(query) }),
  'rollouts.get': ({ params }) => rollouts.get(params.rollout),
  'rollouts.start': ({ params, body, actor }) => rollouts.start({ ...params, ...body }, actor),
  'rollouts.promote': ({ params, body, actor }) => rollouts.promote(params.rollout, body.reason, actor),
  'rollouts.rollback': ({ params, body, actor }) => rollouts.rollback(params.rollout, body.reason, actor),
})
