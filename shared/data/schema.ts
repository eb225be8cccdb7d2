import * as z from 'zod/mini'

/** What the rows of a data set have to look like. Words follow TFDV's schema. */
export const featureTypes = ['int', 'float', 'string', 'bytes', 'image', 'time'] as const
export type FeatureType = (typeof featureTypes)[number]

const share = z.number().check(z.minimum(0), z.maximum(1))
const ratio = z.number().check(z.minimum(0))
const pixels = z.int().check(z.minimum(1), z.maximum(16_384))

export const domainSchema = z.discriminatedUnion('kind', [
  /** The only values that are expected; `minMass` is the share of rows that must have one of them. Numbers are compared as they print. */
  z.strictObject({ kind: z.literal('values'), values: z.array(z.string()), minMass: z._default(share, 1) }),
  /** Bounds, themselves allowed. Times are epoch milliseconds. NaN and infinities are refused unless allowed. A text feature with a range has to write numbers. */
  z
    .strictObject({
      kind: z.literal('range'),
      min: z.optional(z.number()),
      max: z.optional(z.number()),
      /** Whether text has to write whole numbers. */
      whole: z.optional(z.boolean()),
      disallowNan: z._default(z.boolean(), true),
      disallowInf: z._default(z.boolean(), true),
    })
    .check(z.refine(({ min, max }) => min === undefined || max === undefined || min <= max, 'the minimum is above the maximum')),
  z.strictObject({ kind: z.literal('image'), height: pixels, width: pixels, channels: z.int().check(z.minimum(1), z.maximum(4)) }),
])

/** Thresholds on the distance from a control: the previous span (drift) or the serving side (skew). A value above the threshold fails, an equal one passes. */
export const comparatorSchema = z.strictObject({
  infinityNorm: z.optional(share),
  jensenShannonDivergence: z.optional(share),
  normalizedAbsoluteDifference: z.optional(share),
  /**
   * A test that knows how many values stand on both sides: fails where the difference is larger than `margin` and would hardly come about by chance. `alpha` bounds
   * the probability of a false alarm over all features of the comparison together.
   */
  significance: z.optional(
    z.strictObject({ alpha: z._default(z.number().check(z.gt(0), z.lt(1)), 0.01), margin: z._default(share, 0.05) }),
  ),
})

const countFrom = (least: number) => z.int().check(z.minimum(least))
/** Bounds on a count, themselves allowed. */
const bounds = z
  .strictObject({ min: z.optional(countFrom(0)), max: z.optional(countFrom(0)) })
  .check(z.refine(({ min, max }) => min === undefined || max === undefined || min <= max, 'the minimum is above the maximum'))

export const featureSchema = z.strictObject({
  name: z.string().check(z.minLength(1), z.maxLength(128)),
  type: z.enum(featureTypes),
  /** Absent: the feature may be missing, and may have no column. */
  presence: z.optional(z.strictObject({ minFraction: share, minCount: z.int().check(z.minimum(0)) })),
  /** The feature holds lists: how many values each has (valency). Absent: one value. */
  valueCount: z.optional(bounds),
  domain: z.optional(domainSchema),
  /** How many distinct values there must and may be, of text and whole numbers. */
  unique: z.optional(bounds),
  /** Environments in which the feature is expected; absent: in all. A label stands in TRAINING only. */
  environments: z.optional(z.array(z.string())),
  drift: z.optional(comparatorSchema),
  skew: z.optional(comparatorSchema),
})

export const datasetSchema = z
  .strictObject({
    environments: z._default(z.array(z.string()), ['TRAINING', 'SERVING']),
    features: z.array(featureSchema),
    /** The name of the feature that is predicted. */
    label: z.optional(z.string()),
    /** How many examples a data set must and may have. */
    examples: z.optional(
      z.strictObject({
        min: z.optional(z.int()),
        max: z.optional(z.int()),
        /** Bounds on the number of examples over that of the span before. */
        drift: z.optional(z.strictObject({ minRatio: z.optional(ratio), maxRatio: z.optional(ratio) })),
      }),
    ),
  })
  .check(
    z.refine(
      (schema) => new Set(schema.features.map((feature) => feature.name)).size === schema.features.length,
      'a feature is named twice',
    ),
    z.refine(
      (schema) => schema.label === undefined || schema.features.some((feature) => feature.name === schema.label),
      'the label is not among the features',
    ),
    z.refine(
      (schema) => schema.features.every((feature) => feature.environments?.every((name) => schema.environments.includes(name)) ?? true),
      'a feature names an environment that the schema does not have',
    ),
  )

export type Domain = z.infer<typeof domainSchema>
export type Comparator = z.infer<typeof comparatorSchema>
export type FeatureSchema = z.infer<typeof featureSchema>
export type DatasetSchema = z.infer<typeof datasetSchema>

/** Whether the feature is expected where `environment` is; without one, everywhere. */
export const isExpectedIn = (feature: FeatureSchema, environment: string | undefined): boolean =>
  environment === undefined || feature.environments === undefined || feature.environments.includes(environment)
