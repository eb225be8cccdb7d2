import { type DatasetStatistics, type FeatureStatistics, valuesOf } from './dataset-statistics.ts'
import type { DatasetSchema, Domain, FeatureSchema } from './schema.ts'

export type InferOptions = {
  readonly label?: string
  /** A text feature with at most this many distinct values gets them as its domain. Default 100, as TFDV. */
  readonly maxDomainValues?: number
}

/**
 * A first schema, to be reviewed by a person: conservative, so that it says only what the data shows without exception. A feature is required where no row
 * lacks it; a domain is set for text with few values that come back and for images of one size; numbers get no bounds, since the largest value seen is
 * not the largest there is. The label is expected in TRAINING only; its classes are its domain, since the model can answer no others.
 */
export function inferSchema(statistics: DatasetStatistics, { label, maxDomainValues = 100 }: InferOptions = {}): DatasetSchema {
  const features = statistics.features.flatMap((feature) => {
    const inferred = inferFeature(feature, maxDomainValues, feature.name === label)
    if (inferred === undefined) return []
    return [feature.name === label ? { ...inferred, environments: ['TRAINING'] } : inferred]
  })
  return {
    environments: ['TRAINING', 'SERVING'],
    features,
    ...(label !== undefined && features.some((feature) => feature.name === label) ? { label } : {}),
  }
}

function inferFeature(statistics: FeatureStatistics, maxDomainValues: number, isLabel: boolean): FeatureSchema | undefined {
  // a column without a single value has no type to infer; when values arrive in it they will be reported as new
  if (statistics.type === null) return undefined
  const domain = inferDomain(statistics, maxDomainValues, isLabel)
  return {
    name: statistics.name,
    type: statistics.type,
    ...(statistics.missing === 0 ? { presence: { minFraction: 1, minCount: 1 } } : {}),
    ...(statistics.lists === undefined ? {} : { valueCount: inferBounds(statistics.lists) }),
    ...(domain === undefined ? {} : { domain }),
  }
}

/** Lists of one length stay so; of others only that they may not be empty, where none is. */
const inferBounds = ({ min, max }: { min: number; max: number }) => (min === max ? { min, max } : min > 0 ? { min: 1 } : {})

function inferDomain(statistics: FeatureStatistics, maxDomainValues: number, isLabel: boolean): Domain | undefined {
  const { type, categorical, image, numeric } = statistics
  if ((type === 'string' || (type === 'int' && isLabel)) && categorical !== undefined && categorical.exact) {
    const returning = categorical.unique <= maxDomainValues && categorical.unique * 2 <= valuesOf(statistics)
    if (returning) return { kind: 'values', values: categorical.top.map(({ value }) => value).sort(), minMass: 1 }
  }
  const [shape, another] = image?.shapes ?? []
  if (type === 'image' && shape !== undefined && another === undefined) {
    return { kind: 'image', height: shape.height, width: shape.width, channels: shape.channels }
  }
  if (type === 'float' && numeric !== undefined) {
    // NaN that is in the data already is the data's way of saying missing: only what never occurred is refused
    return { kind: 'range', disallowNan: numeric.nan === 0, disallowInf: numeric.posInf + numeric.negInf === 0 }
  }
  return undefined
}
