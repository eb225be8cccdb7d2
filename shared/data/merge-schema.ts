import type { DatasetSchema, Domain, FeatureSchema } from './schema.ts'

/**
 * The accepted schema, widened as far as the inferred one shows that it has to be: new features come, values of a domain are added, what is no longer always there may be
 * missing. What people have said beyond what rows show (bounds, comparators, environments) stays; a type that has changed is taken over with its domain.
 */
export function mergeSchemas(accepted: DatasetSchema, inferred: DatasetSchema): DatasetSchema {
  const found = new Map(inferred.features.map((feature) => [feature.name, feature]))
  const known = new Set(accepted.features.map(({ name }) => name))
  return {
    ...accepted,
    features: [
      ...accepted.features.map((feature) => {
        const now = found.get(feature.name)
        return now === undefined ? withoutPresence(feature) : merged(feature, now)
      }),
      ...inferred.features.filter(({ name }) => !known.has(name)),
    ],
  }
}

function withoutPresence({ presence: _, ...feature }: FeatureSchema): FeatureSchema {
  return feature
}

function merged(accepted: FeatureSchema, inferred: FeatureSchema): FeatureSchema {
  const wider = accepted.presence !== undefined && inferred.presence === undefined ? withoutPresence(accepted) : accepted
  // whole numbers fit where fractions may stand
  const fits = accepted.type === inferred.type || (accepted.type === 'float' && inferred.type === 'int')
  const { domain: _, ...rest } = wider
  if (!fits) return { ...rest, type: inferred.type, ...(inferred.domain === undefined ? {} : { domain: inferred.domain }) }
  const domain = accepted.domain && mergedDomain(accepted.domain, inferred.domain)
  return domain === undefined ? rest : { ...rest, domain }
}

/** A domain of values holds those that were seen too; where there are too many to be one, it goes. Bounds are people's. */
function mergedDomain(accepted: Domain, inferred: Domain | undefined): Domain | undefined {
  if (accepted.kind !== 'values') return accepted.kind === 'image' ? (inferred ?? accepted) : accepted
  if (inferred?.kind !== 'values') return undefined
  return { ...accepted, values: [...new Set([...accepted.values, ...inferred.values])].sort() }
}
