import { binOf, quantileEdges } from '../stats/numeric-reference.ts'

const BINS = 64
const DISTINCT_AS_CATEGORY = 32

type Sampled = number | string | null | undefined

/** Values as few enough categories that a table of them means something: numbers with many distinct values in quantile bins. Missing is one of them. */
function categories(values: readonly Sampled[]): string[] {
  const numbers = values.filter((value): value is number => typeof value === 'number' && Number.isFinite(value))
  if (new Set(numbers).size <= DISTINCT_AS_CATEGORY) return values.map((value) => String(value ?? 'missing'))
  const edges = quantileEdges(Float64Array.from(numbers).sort(), BINS)
  return values.map((value) =>
    typeof value === 'number' && Number.isFinite(value) ? `bin ${binOf(edges, value)}` : String(value ?? 'missing'),
  )
}

function entropy(counts: Iterable<number>, n: number): number {
  let sum = 0
  for (const count of counts) sum -= (count / n) * Math.log(count / n)
  return sum
}

/**
 * Theil's uncertainty coefficient U(label | feature): 0 when the feature says nothing of the label, 1 when it says all, less what entropies of samples have
 * by chance (Miller, Madow). Null where the label is constant, or the feature nearly unique for each row.
 */
export function labelAssociation(feature: readonly Sampled[], labels: readonly Sampled[]): number | null {
  const rows = labels.map((label, i) => [label, feature[i]] as const).filter(([label]) => label !== null && label !== undefined)
  const n = rows.length
  if (n < 30) return null
  const x = categories(rows.map(([, value]) => value))
  const y = categories(rows.map(([label]) => label))
  const count = (keys: readonly string[]) => {
    const counts = new Map<string, number>()
    for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1)
    return counts
  }
  const byX = count(x)
  const byY = count(y)
  if (byX.size > n / 3 || byY.size < 2) return null
  const joint = count(x.map((value, i) => JSON.stringify([value, y[i]])))
  const labelEntropy = entropy(byY.values(), n)
  const information = labelEntropy + entropy(byX.values(), n) - entropy(joint.values(), n)
  const byChance = (joint.size - byX.size - byY.size + 1) / (2 * n)
  return Math.max(0, Math.min(1, (information - byChance) / labelEntropy))
}
