import { accessRoutes } from './access.ts'
import { datasetRoutes } from './datasets.ts'
import { federationRoutes } from './federation.ts'
import { modelCardRoutes } from './model-card.ts'
import { monitoringRoutes } from './monitoring.ts'
import { pipelineRoutes } from './pipelines.ts'
import { deliveryRoutes, registryRoutes } from './registry.ts'
import { rolloutRoutes } from './rollouts.ts'
import { servingRoutes } from './serving.ts'
import { trackingRoutes } from './tracking.ts'
import { trialRoutes } from './trials.ts'

/** Every operation of the HTTP API, by name. */
export const ROUTES = {
  ...accessRoutes,
  ...registryRoutes,
  ...modelCardRoutes,
  ...deliveryRoutes,
  ...datasetRoutes,
  ...pipelineRoutes,
  ...trackingRoutes,
  ...monitoringRoutes,
  ...rolloutRoutes,
  ...federationRoutes,
  ...servingRoutes,
  ...trialRoutes,
}

export type Routes = typeof ROUTES
export type RouteName = keyof Routes
