import type { Migration } from './migrate.ts'
import { migration as access } from './migrations/0001-access.ts'
import { migration as registry } from './migrations/0002-registry.ts'
import { migration as datasets } from './migrations/0003-datasets.ts'
import { migration as pipelines } from './migrations/0004-pipelines.ts'
import { migration as monitoring } from './migrations/0005-monitoring.ts'
import { migration as rollouts } from './migrations/0006-rollouts.ts'
import { migration as federation } from './migrations/0007-federation.ts'
import { migration as metadataIndexes } from './migrations/0008-metadata-indexes.ts'
import { migration as runValues } from './migrations/0010-run-values.ts'
import { migration as artifactMakers } from './migrations/0011-artifact-makers.ts'
import { migration as triggerMoments } from './migrations/0012-trigger-moments.ts'
import { migration as replays } from './migrations/0013-replays.ts'
import { migration as datasetSchemas } from './migrations/0015-dataset-schemas.ts'
import { migration as trials } from './migrations/0020-trials.ts'
import { migration as valueKeys } from './migrations/0021-value-keys.ts'
import { migration as lineageNumbers } from './migrations/0022-lineage-numbers.ts'
import { migration as versionTests } from './migrations/0026-version-tests.ts'
import { migration as contextViews } from './migrations/0027-context-views.ts'
import { migration as links } from './migrations/0028-links.ts'

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
  runValues,
  artifactMakers,
  triggerMoments,
  replays,
  datasetSchemas,
  trials,
  valueKeys,
  lineageNumbers,
  versionTests,
  contextViews,
  links,
]
