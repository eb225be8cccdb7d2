import type { Issue } from '../core/errors.ts'
import type { DatasetSchema, Domain, FeatureSchema } from './schema.ts'

type Bounds = { readonly min?: number | undefined; readonly max?: number | undefined }

/** Whether everything within `before` is within `after`; no bounds hold everything. */
const holds = (after: Bounds | undefined, before: Bounds | undefined): boolean =>
  (after?.min === undefined || (before?.min !== undefined && before.min >= after.min)) &&
  (after?.max === undefined || (before?.max !== undefined && before.max <= after.max))

/** What a value of the domain before may be that the one after does not have; undefined where there is nothing. */
function lostValues(type: FeatureSchema['type'], before: Domain | undefined, after: Domain | undefined): string | undefined {
  if (after === undefined) return undefined
  // whole numbers are never NaN
  if (before === undefined && type === 'int' && after.kind === 'range' && after.min === undefined && after.max === undefined)
    return undefined
  if (before === undefined) return `only values of a domain (${after.kind}) are allowed now`
  if (before.kind === 'values' && after.kind === 'values') {
    const kept = new Set(after.values)
    const lost = before.values.filter((value) => !kept.has(value))
    if (lost.length > 0) return `the values ${lost.slice(0, 10).join(', ')}${lost.length > 10 ? ' …' : ''} are no longer allowed`
    return after.minMass > before.minMass
      ? `${after.minMass} of the rows must be in the domain, where ${before.minMass} were enough`
      : undefined
  }
  if (before.kind === 'range' && after.kind === 'range') {
    if (!holds(after, before)) return `the range ${text(before)} becomes ${text(after)}, which does not hold it`
    if (after.whole === true && before.whole !== true) return 'text has to write whole numbers now'
    if (after.disallowNan && !before.disallowNan) return 'NaN is no longer allowed'
    return after.disallowInf && !before.disallowInf ? 'infinities are no longer allowed' : undefined
  }
  if (before.kind === 'image' && after.kind === 'image')
    return before.height === after.height && before.width === after.width && before.channels === after.channels
      ? undefined
      : `images of ${before.height}x${before.width}x${before.channels} become ${after.height}x${after.width}x${after.channels}`
  return `the domain becomes another kind: ${before.kind}, then ${after.kind}`
}

const text = ({ min, max }: Bounds): string => `${min ?? '-∞'} to ${max ?? '∞'}`

function environmentsOf({ environments }: FeatureSchema, schema: DatasetSchema): readonly string[] {
  return environments ?? schema.environments
}

function featureIssues(before: FeatureSchema, after: FeatureSchema, old: DatasetSchema, young: DatasetSchema): string[] {
  const issues: (string | undefined)[] = []
  if (before.type !== after.type && !(before.type === 'int' && after.type === 'float')) issues.push(`${before.type} becomes ${after.type}`)
  if ((before.valueCount === undefined) !== (after.valueCount === undefined)) issues.push('single values and lists change places')
  else if (!holds(after.valueCount, before.valueCount)) issues.push('lists of other lengths are wanted')
  const [least, was] = [after.presence ?? { minFraction: 0, minCount: 0 }, before.presence ?? { minFraction: 0, minCount: 0 }]
  if (least.minFraction > was.minFraction || least.minCount > was.minCount)
    issues.push(
      `must be present in ${least.minFraction} of the rows (${least.minCount} at least), where ${was.minFraction} (${was.minCount}) were enough`,
    )
  const known = environmentsOf(before, old)
  const more = environmentsOf(after, young).filter((name) => old.environments.includes(name) && !known.includes(name))
  if (more.length > 0 && after.presence !== undefined) issues.push(`is expected in ${more.join(', ')} too`)
  if (!holds(after.unique, before.unique)) issues.push('another number of distinct values is wanted')
  issues.push(lostValues(before.type, before.domain, after.domain))
  return issues.filter((issue) => issue !== undefined)
}

/**
 * Where data that fits `before` need not fit `after`: each place with what changed. None where the schema only became wider. Comparators are judgements on spans, not on rows, and may
 * be tightened.
 */
export function incompatibilities(before: DatasetSchema, after: DatasetSchema): Issue[] {
  const issues: Issue[] = []
  const old = new Map(before.features.map((feature) => [feature.name, feature]))
  const young = new Map(after.features.map((feature) => [feature.name, feature]))
  for (const [name, feature] of old) {
    const other = young.get(name)
    if (other === undefined) issues.push({ where: name, what: 'goes, and rows that have it would hold a column that nobody knows' })
    else for (const what of featureIssues(feature, other, before, after)) issues.push({ where: name, what })
  }
  for (const [name, { presence }] of young)
    if (!old.has(name) && presence !== undefined) issues.push({ where: name, what: 'is new and has to be present: rows until now lack it' })
  if (before.label !== after.label) issues.push({ where: 'label', what: `${before.label ?? 'none'} becomes ${after.label ?? 'none'}` })
  const gone = before.environments.filter((name) => !after.environments.includes(name))
  if (gone.length > 0)
    issues.push({ where: 'environments', what: `${gone.join(', ')} ${gone.length === 1 ? 'is' : 'are'} no longer known` })
  if (!holds(after.examples, before.examples))
    issues.push({ where: 'examples', what: `${text(before.examples ?? {})} become ${text(after.examples ?? {})}` })
  return issues
}
