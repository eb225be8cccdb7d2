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
  'FLOAT_TYPE_STRING_NOT_FLOAT',
  'INT_TYPE_NOT_INT_STRING',
  'FEATURE_TYPE_LOW_NUMBER_VALUES',
  'FEATURE_TYPE_HIGH_NUMBER_VALUES',
  'FEATURE_TYPE_LOW_UNIQUE',
  'FEATURE_TYPE_HIGH_UNIQUE',
  'FEATURE_TYPE_NO_UNIQUE',
  'VALUE_NESTEDNESS_MISMATCH',
  'INVALID_FEATURE_SHAPE',
  'DOMAIN_INVALID_FOR_TYPE',
  'COMPARATOR_L_INFTY_HIGH',
  'COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH',
  'COMPARATOR_NORMALIZED_ABSOLUTE_DIFFERENCE_HIGH',
  'COMPARATOR_CONTROL_DATA_MISSING',
  'COMPARATOR_LOW_NUM_EXAMPLES',
  'COMPARATOR_HIGH_NUM_EXAMPLES',
  // not of TFDV: a change that is significant for the sizes of both samples, and large enough to matter
  'COMPARATOR_SIGNIFICANT_CHANGE',
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

/** Notes an anomaly of the feature being looked at; the description goes on after its name. */
export type ReportAnomaly = (name: AnomalyName, short: string, description: string) => void

export const percent = (share: number): string => `${Number((100 * share).toPrecision(3))} %`

/** A distance that was measured, whether it passed or not. */
export const comparisonSchema = z.strictObject({
  feature: z.string(),
  against: z.enum(['drift', 'skew']),
  distance: z.enum(['infinityNorm', 'jensenShannonDivergence', 'normalizedAbsoluteDifference']),
  value: z.number(),
  threshold: z.number(),
})

/** A size-aware test that was made, whether it found a change or not. */
export const changeTestSchema = z.strictObject({
  feature: z.string(),
  against: z.enum(['drift', 'skew']),
  /** Two-sample chi-square over the values, or Kolmogorov-Smirnov over the quantiles. */
  method: z.enum(['chiSquare', 'kolmogorovSmirnov']),
  /** The largest difference of two shares, or of the two distribution functions. */
  effect: z.number(),
  /** Effects up to it do not matter, however significant. */
  margin: z.number(),
  /** Probability of such a difference where nothing has changed. */
  p: z.number(),
  /** Probability of naming any of the features together where none has changed. */
  alpha: z.number(),
  /** Values compared, and those they are compared with. */
  n: z.number(),
  control: z.number(),
  changed: z.boolean(),
})

export type ChangeTest = z.infer<typeof changeTestSchema>

export type Comparison = z.infer<typeof comparisonSchema>
