import { must } from '../../../shared/core/assert.ts'
import type { Json } from '../../../shared/core/json.ts'
import { normal, type Random } from '../../../shared/core/random.ts'
import { normalTail } from '../../../shared/stats/special-functions.ts'
import {
  choosePoint,
  type Dimension,
  fromUnit,
  type Point,
  randomPoint,
  randomValue,
  sameValue,
  type SearchSpace,
  toUnit,
} from './search-space.ts'

export type TpeOptions = {
  /** Points that are drawn at random before anything is learnt from them. */
  readonly startup: number
  /** Points drawn from the good ones' density, of which the most promising is taken. */
  readonly candidates: number
}

/** The good ones are the best 15 % of all, as in the paper, and 25 at most, as in the authors' implementation. */
const goodCount = (n: number): number => Math.min(25, Math.ceil(0.15 * n))

/**
 * The next point to try after the tree-structured Parzen estimator (Bergstra, Bardenet, Bengio, Kégl 2011): densities of the good and of the other points are estimated by dimension, and
 * of some draws from the good ones' the one with the greatest ratio is taken. `observed` is ordered, best first. Dimensions under a condition learn from the points that have them.
 */
export function suggestTpe(space: SearchSpace, observed: readonly Point[], random: Random, { startup, candidates }: TpeOptions): Point {
  if (observed.length < startup) return randomPoint(space, random)
  const good = observed.slice(0, goodCount(observed.length))
  const others = observed.slice(good.length)
  return choosePoint(space, (name, one) => {
    const having = (points: readonly Point[]): Json[] => points.flatMap((point) => (point[name] === undefined ? [] : [point[name]]))
    const [here, there] = [having(good), having(others)]
    if (here.length === 0) return randomValue(one, random)
    return one.kind === 'choice' ? suggestChoice(one.values, here, there, random) : suggestNumber(one, here, there, random, candidates)
  })
}

/** Shares of the values, each counted once beforehand. */
function shares(values: readonly Json[], seen: readonly Json[]): number[] {
  const counts = values.map((value) => 1 + seen.filter((other) => sameValue(other, value)).length)
  const total = counts.reduce((a, b) => a + b, 0)
  return counts.map((count) => count / total)
}

function suggestChoice(values: readonly Json[], good: readonly Json[], others: readonly Json[], random: Random): Json {
  const [mine, theirs] = [shares(values, good), shares(values, others)]
  // a draw from the good ones' shares, the most promising of a few, so that what was good twice is not all that is ever tried
  const draws = Array.from({ length: values.length }, () => pickFrom(mine, random))
  const best = draws.reduce((a, b) => ((mine[b] ?? 0) / (theirs[b] ?? 1) > (mine[a] ?? 0) / (theirs[a] ?? 1) ? b : a))
  return must(values[best], 'a value')
}

function pickFrom(weights: readonly number[], random: Random): number {
  let left = random.uniform() * weights.reduce((a, b) => a + b, 0)
  for (const [i, weight] of weights.entries()) {
    left -= weight
    if (left < 0) return i
  }
  return weights.length - 1
}

type Bell = { readonly mean: number; readonly deviation: number }

/** Normal densities around the points, as wide as the farther of its two neighbours is away, and a wide one over all: it never becomes impossible to go elsewhere. */
function parzen(points: readonly number[]): Bell[] {
  const sorted = [...points].sort((a, b) => a - b)
  const narrowest = 1 / Math.min(100, sorted.length + 2)
  const bells = sorted.map((mean, i): Bell => {
    const gap = Math.max(mean - (sorted[i - 1] ?? 0), (sorted[i + 1] ?? 1) - mean)
    return { mean, deviation: Math.min(1, Math.max(narrowest, gap)) }
  })
  return [...bells, { mean: 0.5, deviation: 1 }]
}

/** The share of a bell that lies between 0 and 1. */
const inside = ({ mean, deviation }: Bell): number =>
  Math.max(1e-12, normalTail((0 - mean) / deviation) - normalTail((1 - mean) / deviation))

/** The mixture's density at x, each bell cut off at 0 and 1. */
function density(bells: readonly (Bell & { readonly inside: number })[], x: number): number {
  let sum = 0
  for (const { mean, deviation, inside: share } of bells) sum += Math.exp(-0.5 * ((x - mean) / deviation) ** 2) / (deviation * share)
  return sum / bells.length
}

function drawFrom(bells: readonly Bell[], random: Random): number {
  const { mean, deviation } = must(bells[random.integer(bells.length)], 'a bell')
  for (let tries = 0; tries < 100; tries++) {
    const x = mean + deviation * normal(random)
    if (x >= 0 && x < 1) return x
  }
  return random.uniform()
}

function suggestNumber(
  one: Exclude<Dimension, { kind: 'choice' }>,
  good: readonly Json[],
  others: readonly Json[],
  random: Random,
  candidates: number,
): number {
  const bellsOf = (values: readonly Json[]) =>
    parzen(values.map((value) => toUnit(one, Number(value)))).map((bell) => ({ ...bell, inside: inside(bell) }))
  const [mine, theirs] = [bellsOf(good), bellsOf(others)]
  let best = { x: 0.5, ratio: Number.NEGATIVE_INFINITY }
  for (let i = 0; i < candidates; i++) {
    const x = drawFrom(mine, random)
    const ratio = Math.log(density(mine, x)) - Math.log(density(theirs, x))
    if (ratio > best.ratio) best = { x, ratio }
  }
  return fromUnit(one, best.x)
}
