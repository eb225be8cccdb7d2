import type { DatasetStatistics, FeatureStatistics } from './dataset-statistics.ts'

/** Preparation that the statistics call for: advice to a person, never applied by itself. */
export type Suggestion = {
  readonly feature: string
  readonly kind: 'missing' | 'scale' | 'outliers' | 'cardinality' | 'identifier' | 'constant' | 'imbalance' | 'leakage'
  readonly advice: string
}

export type SuggestionOptions = { readonly label?: string }

const percent = (share: number): string => `${Number((100 * share).toPrecision(2))} %`
const figure = (x: number): string => String(Number(x.toPrecision(3)))

export function suggestPreparation(statistics: DatasetStatistics, { label }: SuggestionOptions = {}): Suggestion[] {
  return statistics.features.flatMap((feature) =>
    feature.name === label ? labelSuggestions(feature) : featureSuggestions(feature, statistics.examples),
  )
}

function labelSuggestions({ name, missing, categorical, count }: FeatureStatistics): Suggestion[] {
  const found: Suggestion[] = []
  if (missing > 0)
    found.push({ feature: name, kind: 'missing', advice: `${missing} rows have no label: leave them out of training and evaluation` })
  const rarest = categorical?.exact === true && categorical.unique <= 100 ? categorical.top.at(-1) : undefined
  if (rarest !== undefined && rarest.count / count < 0.1 / (categorical?.unique ?? 1)) {
    found.push({
      feature: name,
      kind: 'imbalance',
      advice: `label "${rarest.value}" has ${percent(rarest.count / count)} of the rows: weight it, and look at its slice on its own`,
    })
  }
  return found
}

function featureSuggestions(
  { name, count, missing, type, numeric, categorical, labelAssociation }: FeatureStatistics,
  examples: number,
): Suggestion[] {
  const found: Suggestion[] = []
  const suggest = (kind: Suggestion['kind'], advice: string) => found.push({ feature: name, kind, advice })
  const unique = categorical?.unique
  if (missing > 0) {
    const share = missing / examples
    suggest(
      'missing',
      share > 0.5
        ? `${percent(share)} are missing: drop the feature, or keep only whether it is there`
        : `${percent(share)} are missing: fill with a constant and add a feature that says so`,
    )
  }
  if (count > 1 && ((numeric !== undefined && numeric.n === count && numeric.min === numeric.max) || (unique === 1 && type === 'string'))) {
    suggest('constant', 'has the same value in every row: it cannot help, drop it')
    return found
  }
  if (type === 'string' || type === 'int') {
    // an estimated number of distinct values is good to some 6 %
    const nearlyAll = (categorical?.exact === true ? 0.95 : 0.8) * count
    if (unique !== undefined && count >= 100 && unique > nearlyAll && !isMeasured(type, numeric)) {
      suggest(
        'identifier',
        `is different in nearly every row (${unique} values in ${count}): it looks like an identifier, do not train on it`,
      )
    } else if (type === 'string' && unique !== undefined && unique > 100) {
      suggest(
        'cardinality',
        `has ${unique} distinct values: hash it, keep the most frequent, or learn an embedding; one-hot would need a column each`,
      )
    }
  }
  // what is not trained on needs no scale
  const isIdentifier = found.at(-1)?.kind === 'identifier'
  if (!isIdentifier && numeric !== undefined && numeric.n > 1 && (type === 'float' || (type === 'int' && (unique ?? 0) > 20))) {
    const middle = numeric.quantiles[16] ?? 0
    const skewed = numeric.min > 0 && numeric.max / numeric.min > 1000 && middle * 10 < numeric.max
    if (skewed) {
      suggest(
        'scale',
        `runs from ${figure(numeric.min)} to ${figure(numeric.max)} with its middle at ${figure(middle)}: take the logarithm before standardising`,
      )
    } else if (numeric.deviation > 10 || Math.abs(numeric.mean) > 10 * Math.max(numeric.deviation, 0.1)) {
      suggest('scale', `has mean ${figure(numeric.mean)} and standard deviation ${figure(numeric.deviation)}: standardise it`)
    }
    const reach = Math.max(numeric.max - numeric.mean, numeric.mean - numeric.min) / numeric.deviation
    if (reach > 20 && !skewed)
      suggest('outliers', `has a value ${figure(reach)} standard deviations from the mean: check the source, or cut at a quantile`)
  }
  if (labelAssociation !== undefined && labelAssociation > 0.85) {
    suggest('leakage', `alone tells ${percent(labelAssociation)} of the label: check that it is known before the prediction is made`)
  }
  return found
}

/** Whole numbers that differ because they measure something are spread unevenly; those that name rows count up or are hashes, and spread evenly. */
function isMeasured(type: FeatureStatistics['type'], numeric: FeatureStatistics['numeric']): boolean {
  if (type !== 'int' || numeric === undefined) return false
  const middle = numeric.quantiles[16] ?? 0
  return Math.abs(middle - (numeric.min + numeric.max) / 2) > 0.05 * (numeric.max - numeric.min)
}
