import * as z from 'zod'
import { must } from '../../../shared/core/assert.ts'
import type { Json } from '../../../shared/core/json.ts'
import type { Random } from '../../../shared/core/random.ts'

const range = { low: z.number(), high: z.number() }
/** The dimension exists only where another has one of these values: momentum where the optimizer is SGD. */
const when = z.strictObject({ name: z.string(), is: z.array(z.json()).min(1) }).optional()

/** What one member of a recipe may be. */
export const dimension = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('uniform'), ...range, when }),
  /** Uniform in the logarithm: as likely between 0.001 and 0.01 as between 0.01 and 0.1. */
  z.strictObject({ kind: z.literal('log-uniform'), low: z.number().positive(), high: z.number().positive(), when }),
  /** Whole numbers, both ends included. */
  z.strictObject({ kind: z.literal('integer'), low: z.int(), high: z.int(), log: z.boolean().default(false), when }),
  z.strictObject({ kind: z.literal('choice'), values: z.array(z.json()).min(1), when }),
])
export type Dimension = z.output<typeof dimension>

/** By the place in the recipe: `epochs`, `learningRate.rate`, `architecture.hidden.0`. A plain list is a choice. */
export const searchSpace = z
  .record(
    z.string().regex(/^[A-Za-z][\w-]*(\.[\w-]+)*$/, 'a place in the recipe, such as learningRate.rate'),
    z.union([
      z
        .array(z.json())
        .min(1)
        .transform((values): Dimension => ({ kind: 'choice', values })),
      dimension,
    ]),
  )
  .superRefine((space, context) => {
    for (const [name, one] of Object.entries(space)) {
      const wrong = (message: string) => context.addIssue({ code: 'custom', path: [name], message })
      if (one.kind !== 'choice' && one.low >= one.high) wrong(`low (${one.low}) must be below high (${one.high})`)
      if (one.kind === 'integer' && one.log && one.low < 1) wrong('integers in the logarithm begin at 1')
      if (one.when === undefined) continue
      if (space[one.when.name] === undefined) wrong(`depends on ${one.when.name}, which is not searched`)
      if (conditionsOf(space, name) === undefined) wrong('depends on itself')
    }
  })
export type SearchSpace = z.output<typeof searchSpace>

/** A point of the space: dimensions whose condition does not hold are absent. */
export type Point = Readonly<Record<string, Json>>

/** The dimensions that one depends on; undefined where they go round in a circle. */
function conditionsOf(space: SearchSpace, name: string): string[] | undefined {
  const seen: string[] = []
  for (let at = space[name]?.when?.name; at !== undefined; at = space[at]?.when?.name) {
    if (at === name || seen.includes(at)) return undefined
    seen.push(at)
  }
  return seen
}

export const sameValue = (a: Json | undefined, b: Json): boolean => JSON.stringify(a) === JSON.stringify(b)

/** Dimensions in an order in which each comes after what it depends on. */
const ordered = (space: SearchSpace): [string, Dimension][] =>
  Object.entries(space).sort(
    ([a], [b]) => (conditionsOf(space, a)?.length ?? 0) - (conditionsOf(space, b)?.length ?? 0) || (a < b ? -1 : 1),
  )

/** A point whose every existing dimension is chosen by `choose`. */
export function choosePoint(space: SearchSpace, choose: (name: string, of: Dimension) => Json): Point {
  const point: Record<string, Json> = {}
  for (const [name, one] of ordered(space)) {
    const { when: condition } = one
    if (condition !== undefined && !condition.is.some((value) => sameValue(point[condition.name], value))) continue
    point[name] = choose(name, one)
  }
  return point
}

/** A number of the dimension from one between 0 and 1. */
export function fromUnit(one: Exclude<Dimension, { kind: 'choice' }>, share: number): number {
  const u = Math.min(1 - Number.EPSILON, Math.max(0, share))
  if (one.kind === 'uniform') return one.low + u * (one.high - one.low)
  if (one.kind === 'log-uniform') return Math.min(one.high, Math.max(one.low, one.low * (one.high / one.low) ** u))
  // every whole number has a stretch of the same width, in the logarithm or not
  const high = one.high + 1
  const value = one.log ? one.low * (high / one.low) ** u : one.low + u * (high - one.low)
  return Math.min(one.high, Math.max(one.low, Math.floor(value)))
}

/** The other way round; whole numbers are taken in the middle of their stretch. */
export function toUnit(one: Exclude<Dimension, { kind: 'choice' }>, value: number): number {
  if (one.kind === 'uniform') return (value - one.low) / (one.high - one.low)
  if (one.kind === 'log-uniform') return Math.log(value / one.low) / Math.log(one.high / one.low)
  const high = one.high + 1
  return one.log ? Math.log((value + 0.5) / one.low) / Math.log(high / one.low) : (value + 0.5 - one.low) / (high - one.low)
}

export const randomValue = (one: Dimension, random: Random): Json =>
  one.kind === 'choice' ? must(one.values[random.integer(one.values.length)], 'a choice') : fromUnit(one, random.uniform())

/** Random search (Bergstra and Bengio 2012). */
export const randomPoint = (space: SearchSpace, random: Random): Point => choosePoint(space, (_, one) => randomValue(one, random))
