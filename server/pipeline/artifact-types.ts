/**
 * What steps hand to each other. A pipeline may only join an output to an input of the same type. `data`, `split` are Parquet, `model` is a model
 * file (model-file.ts), everything else is JSON.
 */
export const ARTIFACT_TYPES = [
  'data',
  'statistics',
  'schema',
  'suggestions',
  'anomalies',
  'split',
  'transforms',
  'trials',
  'model',
  'history',
  'metrics',
  'report',
  'blessing',
  'runtime-blessing',
  'version',
  'release',
] as const
export type ArtifactType = (typeof ARTIFACT_TYPES)[number]
