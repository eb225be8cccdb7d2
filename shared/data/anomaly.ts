import * as z from 'zod/mini'

/** TFDV's names, for those anomalies that are raised here. */
export const anomalyNames = [
  'SCHEMA_NEW_COLUMN',
  'SCHEMA_MISSING_COLUMN',
  'UNEXPECTED_DATA_TYPE',
  'ENUM_TYPE_UNEXPECTED_STRING_VALUES',
  'FEATURE_TYPE_LOW_FRACTION_PRESENT',
  'FEATURE_TYPE_LOW_NUMBER_PRESENT',
  'FEATURE_TYPE_NOT_PRESENT',
  'INT_TYPE_BIG_INT',
  'INT_TYPE_SMALL_INT',
  'FLOAT_TYPE_BIG_FLOAT',
  'FLOAT_TYPE_SMALL_FLOAT',
  'FLOAT_TYPE_HAS_NAN',
  'FLOAT_TYPE_HAS_INF',
  'DATASET_LOW_NUM_EXAMPLES',
  'DATASET_HIGH_NUM_EXAMPLES',
  'INVALID_FEATURE_SHAPE',
  'DOMAIN_INVALID_FOR_TYPE',
  'COMPARATOR_L_INFTY_HIGH',
  'COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH',
  'COMPARATOR_NORMALIZED_ABSOLUTE_DIFFERENCE_HIGH',
  'COMPARATOR_CONTROL_DATA_MISSING',
] as const

export type AnomalyName = (typeof anomalyNames)[number]

/** One way in which data does not fit its schema. An error stops a pipeline, a warning does not. */
export const anomalySchema = z.strictObject({
  /** Null where it is about the data set as a whole. */
  feature: z.nullable(z.string()),
  name: z.enum(anomalyNames),
  severity: z.enum(['error', 'warning']),
  short: z.string(),
  description: z.string(),
})

export type Anomaly = z.infer<typeof anomalySchema>

/** A distance that was measured, whether it passed or not. */
export const comparisonSchema = z.strictObject({
  feature: z.string(),
  against: z.enum(['drift', 'skew']),
  distance: z.enum(['infinityNorm', 'jensenShannonDivergence', 'normalizedAbsoluteDifference']),
  value: z.number(),
  threshold: z.number(),
})

export type Comparison = z.infer<typeof comparisonSchema>
