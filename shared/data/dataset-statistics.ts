import * as z from 'zod/mini'
import { histogramSchema } from '../stats/histogram.ts'
import { countSchema } from '../stats/numeric-reference.ts'
import { featureTypes } from './schema.ts'

/** Statistics of finite values; NaN and infinities are counted beside. Times are epoch milliseconds. */
export const numericStatisticsSchema = z.strictObject({
  n: countSchema,
  mean: z.number(),
  /** Sample standard deviation. */
  deviation: z.number(),
  min: z.number(),
  max: z.number(),
  zeros: countSchema,
  nan: countSchema,
  posInf: countSchema,
  negInf: countSchema,
  /** 33 values: the k/32 quantiles, from a sample where there are more rows than it holds. */
  quantiles: z.array(z.number()),
  /** 32 bins of equal width between min and max, scaled up from the sample. */
  histogram: histogramSchema,
  /** Values in the sample that quantiles and histogram come from; absent: all. */
  sampled: z.optional(countSchema),
})

export const categoricalStatisticsSchema = z.strictObject({
  /** Distinct values, estimated where `exact` is false (standard error 6 %). */
  unique: countSchema,
  /** Whether every distinct value was tracked: then `top` counts are exact, else lower bounds. */
  exact: z.boolean(),
  /** Most frequent values, at most 1,000. */
  top: z.array(z.strictObject({ value: z.string(), count: countSchema })),
  /** Mean length in Unicode characters; from the sample where `exact` is false and a database counted. */
  meanLength: z.number(),
})

export const imageStatisticsSchema = z.strictObject({
  shapes: z.array(z.strictObject({ height: countSchema, width: countSchema, channels: countSchema, count: countSchema })),
  /** Of each number that is monitored of an image. */
  features: z.record(z.string(), numericStatisticsSchema),
})

export const featureStatisticsSchema = z.strictObject({
  name: z.string(),
  /** What the values are: string where they do not agree, null where there are none. */
  type: z.nullable(z.enum(featureTypes)),
  /** Values of each type. Whole numbers count as int, also in a float feature. */
  types: z.partialRecord(z.enum(featureTypes), countSchema),
  count: countSchema,
  missing: countSchema,
  numeric: z.optional(numericStatisticsSchema),
  categorical: z.optional(categoricalStatisticsSchema),
  image: z.optional(imageStatisticsSchema),
  /** Where the values are lists: how many values these have. Everything but `count` and `missing` is then about the values in them. */
  lists: z.optional(z.strictObject({ min: countSchema, max: countSchema, mean: z.number() })),
  /** Share of the label's entropy that this feature alone takes away (Theil's U), less what chance gives; from the sample. */
  labelAssociation: z.optional(z.number()),
})

export const datasetStatisticsSchema = z.strictObject({ examples: countSchema, features: z.array(featureStatisticsSchema) })

export type NumericStatistics = z.infer<typeof numericStatisticsSchema>
export type CategoricalStatistics = z.infer<typeof categoricalStatisticsSchema>
export type FeatureStatistics = z.infer<typeof featureStatisticsSchema>
export type DatasetStatistics = z.infer<typeof datasetStatisticsSchema>

/** Values of all types together: more or fewer than `count` where they stand in lists. */
export const valuesOf = ({ types }: FeatureStatistics): number => Object.values(types).reduce((sum, count) => sum + (count ?? 0), 0)

export const statisticsOf = (statistics: DatasetStatistics, name: string): FeatureStatistics | undefined =>
  statistics.features.find((feature) => feature.name === name)
