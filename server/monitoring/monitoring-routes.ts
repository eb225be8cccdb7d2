import { AppError } from '../../shared/core/errors.ts'
import type { Access } from '../access/access-service.ts'
import type { Handlers } from '../http/register.ts'
import type { Monitoring } from './monitoring-service.ts'

/** `access` knows which models a device's app uses: its reports name models in the body, where the path does not tell. */
export const monitoringRoutes = (monitoring: Monitoring, access: Pick<Access, 'assertMayUse'>): Handlers => ({
  'reports.send': ({ body, actor }) => {
    if (actor.kind !== 'device') throw new AppError('forbidden', 'reports come from devices: send a device token')
    return monitoring.ingest(actor.id, body.reports, (model) => access.assertMayUse(actor, model))
  },
  'monitoring.windows': ({ params, query }) => monitoring.windows({ ...params, ...query }),
  'monitoring.skew': ({ params, query }) => monitoring.skew({ ...params, ...query }),
  'alerts.list': ({ query }) => monitoring.list(query),
  'alerts.acknowledge': ({ params, actor }) => monitoring.acknowledge(params.alert, actor),
})
