import { chiSquareTwoSample, kolmogorovSmirnovTail } from '../stats/distance-nulls.ts'
import { lInfinity } from '../stats/distances.ts'
import { holm } from '../stats/multiplicity.ts'
import type { Anomaly, ChangeTest } from './anomaly.ts'
import { type FeatureStatistics, type NumericStatistics, valuesOf } from './dataset-statistics.ts'
import type { Comparator } from './schema.ts'

type Significance = NonNullable<Comparator['significance']>

/** Whole numbers with fewer distinct values are classes rather than measures. */
const FEW_VALUES = 100
/** Expected values of a cell below which a chi-square is rough (Cochran 1954). */
const LEAST_EXPECTED = 5

/** Whether a feature has changed, knowing how many values stand on both sides. Undefined where there is nothing to compare. `changed` is decided over all features, by `changeAnomalies`. */
export function testChange(
  against: ChangeTest['against'],
  { alpha, margin }: Significance,
  current: FeatureStatistics,
  control: FeatureStatistics,
): ChangeTest | undefined {
  const found = hasClasses(current, control) ? byClasses(current, control) : byQuantiles(current.numeric, control.numeric)
  return found && { feature: current.name, against, ...found, alpha, margin, changed: false }
}

function hasClasses(current: FeatureStatistics, control: FeatureStatistics): boolean {
  const sides = [current.categorical, control.categorical]
  if (current.type === 'string') return sides.every((side) => side !== undefined)
  return sides.every((side) => side !== undefined && side.exact && side.unique <= FEW_VALUES)
}

type Found = Pick<ChangeTest, 'method' | 'effect' | 'p' | 'n' | 'control'>

/** Values as cells; missing ones, those that are not listed, and rare ones together have cells of their own. */
function byClasses(current: FeatureStatistics, control: FeatureStatistics): Found | undefined {
  const sides = [control, current].map((side) => {
    const top = new Map(side.categorical?.top.map(({ value, count }) => [value, count]))
    const listed = [...top.values()].reduce((sum, count) => sum + count, 0)
    return { top, missing: side.missing, rest: Math.max(0, valuesOf(side) - listed) }
  })
  const [theirs, mine] = sides as [(typeof sides)[number], (typeof sides)[number]]
  const names = [...new Set([...theirs.top.keys(), ...mine.top.keys()])]
  const cells = [
    ...names.map((name) => [theirs.top.get(name) ?? 0, mine.top.get(name) ?? 0] as const),
    [theirs.missing, mine.missing] as const,
  ]
  const sum = (side: 0 | 1, of: readonly (readonly [number, number])[]) => of.reduce((total, cell) => total + cell[side], 0)
  const n = sum(1, cells) + mine.rest
  const m = sum(0, cells) + theirs.rest
  if (n === 0 || m === 0) return undefined
  const isRare = ([a, b]: readonly [number, number]): boolean => ((a + b) * Math.min(n, m)) / (n + m) < LEAST_EXPECTED
  const rare = cells.filter(isRare)
  const pooled = [...cells.filter((cell) => !isRare(cell)), [sum(0, rare) + theirs.rest, sum(1, rare) + mine.rest] as const]
  const [before, now] = [pooled.map(([a]) => a), pooled.map(([, b]) => b)]
  return { method: 'chiSquare', effect: lInfinity(before, now), p: chiSquareTwoSample(before, now).p, n, control: m }
}

/** Share of values at or below x, by straight lines between the quantiles. */
function shareBelow({ quantiles }: NumericStatistics, x: number): number {
  const last = quantiles.length - 1
  const at = quantiles.findLastIndex((quantile) => quantile <= x)
  if (at < 0) return 0
  if (at === last) return 1
  const [low, high] = [quantiles[at] as number, quantiles[at + 1] as number]
  return (at + (x - low) / (high - low)) / last
}

/** The gap between the distribution functions is known at the quantiles, up to the mass between two of them: that is taken off. */
function byQuantiles(current: NumericStatistics | undefined, control: NumericStatistics | undefined): Found | undefined {
  if (!current || !control || current.quantiles.length < 2 || control.quantiles.length < 2) return undefined
  const points = [...current.quantiles, ...control.quantiles]
  const gap = Math.max(...points.map((x) => Math.abs(shareBelow(current, x) - shareBelow(control, x))))
  const effect = Math.max(0, gap - 1 / (current.quantiles.length - 1))
  const [n, m] = [current, control].map((side) => side.sampled ?? side.n) as [number, number]
  return { method: 'kolmogorovSmirnov', effect, p: effect === 0 ? 1 : kolmogorovSmirnovTail(effect, n, m), n, control: m }
}

const figure = (x: number): string => String(Number(x.toPrecision(3)))

/** Names the features that have changed, so that the probability of naming any where none has is alpha at most (Holm). */
export function changeAnomalies(tests: readonly ChangeTest[]): { tests: ChangeTest[]; anomalies: Anomaly[] } {
  const judged = (['drift', 'skew'] as const).flatMap((against) => {
    const mine = tests.filter((each) => each.against === against)
    const alpha = Math.min(...mine.map((each) => each.alpha))
    const significant = holm(
      mine.map(({ p }) => p),
      alpha,
    )
    return mine.map((each, i) => ({ ...each, alpha, changed: significant[i] === true && each.effect > each.margin }))
  })
  const anomalies = judged
    .filter(({ changed }) => changed)
    .map((test): Anomaly => {
      const { feature, against, method, effect, margin, p, alpha, n, control } = test
      const what = method === 'chiSquare' ? 'the share of a value' : 'the distribution function'
      const description = `${feature}: ${what} differs by ${figure(effect)} (${figure(margin)} would not matter) between ${n} values and the ${control} of the ${against === 'skew' ? 'serving side' : 'span before'}; chance alone does that with probability ${figure(p)} (false alarms over all features: ${figure(alpha)})`
      return { feature, name: 'COMPARATOR_SIGNIFICANT_CHANGE', severity: 'error', short: 'Distribution changed', description }
    })
  return { tests: judged, anomalies }
}
