import { AppError } from '../../shared/core/errors.ts'
import type { Actor } from '../http/actor.ts'
import type { Handlers } from '../http/register.ts'
import type { Federation } from './federation-service.ts'

function deviceOf(actor: Actor) {
  if (actor.kind !== 'device') throw new AppError('forbidden', 'only devices take part in rounds: send a device token')
  return actor.id
}

export const federationRoutes = (federation: Federation): Handlers => ({
  'rounds.list': async ({ query }) => ({ items: await federation.list(query) }),
  'rounds.open': ({ params, body }) => federation.open({ model: params.model, ...body }),
  'rounds.get': ({ params }) => federation.get(params.round),
  'rounds.close': ({ params, actor }) => federation.close(params.round, actor),
  'leases.take': async ({ params, actor }) => ({ lease: await federation.takeLease(params.model, deviceOf(actor)) }),
  'updates.submit': ({ params, body, actor }) => federation.submit(params.lease, deviceOf(actor), body),
})
