import { asIs } from '../../../shared/compute/examples.ts'
import { normal, seededRandom } from '../../../shared/core/random.ts'
import type { Preparation } from '../../../server/pipeline/data/example-form.ts'
import { recipe } from '../../../server/pipeline/data/recipe.ts'
import { topologyOf } from '../../../server/pipeline/data/recipe-network.ts'
import type { SplitExamples } from '../../../server/pipeline/data/split-examples.ts'
import type { RecipeRun } from '../../../server/pipeline/data/train-recipe.ts'

/** Features of a row. */
export const WIDTH = 3
export const prepared = (labels: string[]): Preparation => ({
  form: { kind: 'columns', columns: ['a', 'b', 'c'] },
  labels,
  transforms: ['a', 'b', 'c'].map((input) => ({ kind: 'passthrough', input, missing: 0 })),
  sliceBy: [],
})

export function split(count: number, seed: number, labelOf: (row: Float32Array, noise: number) => number, number: boolean): SplitExamples {
  const random = seededRandom(seed)
  const data = Float32Array.from({ length: count * WIDTH }, () => normal(random))
  const values = Array.from({ length: count }, (_, i) => labelOf(data.subarray(i * WIDTH, (i + 1) * WIDTH), normal(random)))
  return {
    examples: { data, shape: [count, WIDTH] },
    labels: number ? Float32Array.from(values) : Int32Array.from(values),
    transform: asIs,
    groups: {},
    unknown: 0,
  }
}

/** Minutes of delay: far from zero and of a large spread, as numbers in data are. */
const minutes = ([a = 0, b = 0]: Float32Array, noise: number): number => 500 + 80 * a - 40 * b + 5 * noise
export const positive = ([a = 0]: Float32Array): number => (a > 0 ? 1 : 0)

/** Training of a linear model of minutes, or of labels where `prepared` has some, with changes to its recipe. */
export function recipeRun(change: Record<string, unknown>, more: Partial<RecipeRun> = {}): RecipeRun {
  const wanted = recipe.parse({
    architecture: { kind: 'linear' },
    epochs: 12,
    batchSize: 32,
    optimizer: { kind: 'adam' },
    learningRate: { kind: 'cosine', rate: 0.05 },
    ...change,
  })
  const data = more.prepared ?? prepared([])
  const number = data.labels.length === 0
  return {
    recipe: wanted,
    topology: topologyOf(wanted, data),
    prepared: data,
    train: split(600, 1, number ? minutes : positive, number),
    validation: split(200, 2, number ? minutes : positive, number),
    seed: 1,
    signal: new AbortController().signal,
    onProgress: () => {},
    ...more,
  }
}
