import type { Migration } from './migrate.ts'
import { migration as access } from './migrations/0001-access.ts'
import { migration as registry } from './migrations/0002-registry.ts'
import { migration as datasets } from './migrations/0003-datasets.ts'
import { migration as pipelines } from './migrations/0004-pipelines.ts'
import { migration as monitoring } from './migrations/0005-monitoring.ts'
import { migration as rollouts } from './migrations/0006-rollouts.ts'
import { migration as federation } from './migrations/0007-federation.ts'
import { migration as metadataIndexes } from './migrations/0008-metadata-indexes.ts'
import { migration as datasetSchemas } from './migrations/0015-dataset-schemas.ts'

/** Every step of the schema, in order. A released step never changes: what comes later is a new step. */
export const migrations: readonly Migration[] = [
  access,
  registry,
  datasets,
  pipelines,
  monitoring,
  rollouts,
  federation,
  metadataIndexes,
  datasetSchemas,
]
