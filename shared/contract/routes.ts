import { accessRoutes } from './access.ts'
import { componentRoutes } from './components.ts'
import { datasetRoutes } from './datasets.ts'
import { federationRoutes } from './federation.ts'
import { importRoutes } from './imports.ts'
import { modelCardRoutes } from './model-card.ts'
import { monitoringRoutes } from './monitoring.ts'
import { pipelineRoutes } from './pipelines.ts'
import { deliveryRoutes, registryRoutes } from './registry.ts'
import { rolloutRoutes } from './rollouts.ts'
import { schemaRoutes } from './schemas.ts'
import { servingRoutes } from './serving.ts'
import { trackingRoutes } from './tracking.ts'
import { trialRoutes } from './trials.ts'
import { skewRoutes } from './skew.ts'
import { versionTestRoutes } from './version-tests.ts'

/** Every operation of the HTTP API, by name. */
export const ROUTES = {
  ...accessRoutes,
  ...registryRoutes,
  ...modelCardRoutes,
  ...versionTestRoutes,
  ...deliveryRoutes,
  ...datasetRoutes,
  ...schemaRoutes,
  ...pipelineRoutes,
  ...trackingRoutes,
  ...componentRoutes,
  ...monitoringRoutes,
  ...skewRoutes,
  ...rolloutRoutes,
  ...federationRoutes,
  ...servingRoutes,
  ...trialRoutes,
  ...importRoutes,
}

export type Routes = typeof ROUTES
export type RouteName = keyof Routes
