import { accessRoutes } from './access.ts'
import { componentRoutes } from './components.ts'
import { datasetRoutes } from './datasets.ts'
import { federationRoutes } from './federation.ts'
import { monitoringRoutes } from './monitoring.ts'
import { pipelineRoutes } from './pipelines.ts'
import { deliveryRoutes, registryRoutes } from './registry.ts'
import { rolloutRoutes } from './rollouts.ts'
import { servingRoutes } from './serving.ts'

/** Every operation of the HTTP API, by name. */
export const ROUTES = {
  ...accessRoutes,
  ...registryRoutes,
  ...deliveryRoutes,
  ...datasetRoutes,
  ...pipelineRoutes,
  ...componentRoutes,
  ...monitoringRoutes,
  ...rolloutRoutes,
  ...federationRoutes,
  ...servingRoutes,
}

export type Routes = typeof ROUTES
export type RouteName = keyof Routes
