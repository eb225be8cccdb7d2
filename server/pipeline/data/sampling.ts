import { must } from '../../../shared/core/assert.ts'
import { AppError } from '../../../shared/core/errors.ts'
import { type Random, shuffled } from '../../../shared/core/random.ts'
import type { Recipe } from './recipe.ts'
import type { SplitExamples } from './split-examples.ts'

/** `count` rows out of these: each as often as any other, give or take one. */
function repeat(rows: readonly number[], count: number, random: Random): number[] {
  const taken: number[] = []
  while (taken.length < count) taken.push(...shuffled(rows, random).slice(0, count - taken.length))
  return taken
}

/** Which rows an epoch goes over, for a recipe that wants fewer rows or another balance; undefined for all of them as they are. */
export function sampleRows(
  split: SplitExamples,
  { rows, balance }: Pick<Recipe, 'rows' | 'balance'>,
  random: Random,
): number[] | undefined {
  const all = split.labels.length
  const wanted = rows === undefined ? all : Math.min(rows, all)
  const everything = Array.from({ length: all }, (_, i) => i)
  if (balance === undefined) return rows === undefined ? undefined : shuffled(everything, random).slice(0, wanted)
  const values = split.groups[balance.column]
  if (values === undefined)
    throw new AppError('invalid_input', `rows cannot be balanced by ${balance.column}: name it in the sliceBy of the prepare step`)
  const present = Object.entries(balance.shares).filter(([value]) => values.includes(value))
  if (present.length === 0) return rows === undefined ? undefined : shuffled(everything, random).slice(0, wanted)
  const named = new Set(present.map(([value]) => value))
  const rest = everything.filter((i) => !named.has(must(values[i], 'a group')))
  const given = present.reduce((sum, [, share]) => sum + share, 0)
  if (given > 1 || (rest.length === 0 && given === 0))
    throw new AppError('invalid_input', `the shares of ${balance.column} add up to ${given}: they must not exceed 1`)
  const total = rest.length === 0 ? given : 1
  const chosen = present.flatMap(([value, share]) =>
    repeat(
      everything.filter((i) => values[i] === value),
      Math.round((share / total) * wanted),
      random,
    ),
  )
  return [...chosen, ...(rest.length === 0 ? [] : repeat(rest, Math.max(0, wanted - chosen.length), random))]
}

function labelsAt(labels: SplitExamples['labels'], rows: readonly number[]): SplitExamples['labels'] {
  const at = (row: number): number => must(labels[row], 'a label')
  return labels instanceof Int32Array ? Int32Array.from(rows, at) : Float32Array.from(rows, at)
}

/** The split's rows at these places, as a split of its own. */
export function rowsOf(split: SplitExamples, rows: readonly number[] | undefined): SplitExamples {
  if (rows === undefined) return split
  const { data, shape } = split.examples
  const width = data.length / split.labels.length
  const picked = new (data.constructor as new (length: number) => typeof data)(rows.length * width)
  for (const [to, from] of rows.entries()) picked.set(data.subarray(from * width, (from + 1) * width), to * width)
  return {
    ...split,
    examples: { data: picked, shape: [rows.length, ...shape.slice(1)] },
    labels: labelsAt(split.labels, rows),
    groups: Object.fromEntries(
      Object.entries(split.groups).map(([name, values]) => [name, rows.map((row) => must(values[row], 'a group'))]),
    ),
  }
}
