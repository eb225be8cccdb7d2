import { gzipSync } from 'node:zlib'
import { openModel } from '../../../server/pipeline/data/evaluate-model.ts'
import type { Preparation } from '../../../server/pipeline/data/example-form.ts'
import { encodeModel } from '../../../server/pipeline/data/model-file.ts'
import { recipe } from '../../../server/pipeline/data/recipe.ts'
import { topologyOf } from '../../../server/pipeline/data/recipe-network.ts'
import { inputShape, type SplitExamples } from '../../../server/pipeline/data/split-examples.ts'
import { type RecipeResult, trainByRecipe } from '../../../server/pipeline/data/train-recipe.ts'
import { asIs } from '../../../shared/compute/examples.ts'
import { must } from '../../../shared/core/assert.ts'
import { startTransformAnalysis } from '../../../shared/data/analyse-transforms.ts'
import { applyTransforms } from '../../../shared/data/apply-transforms.ts'
import { asNumbers } from '../../../shared/tensor/model-tensor.ts'
import type { Row, Table } from './tables.ts'

const LABELS = ['late', 'on time']

type Columns = Readonly<Record<string, (string | number)[]>>

const columnsOf = (rows: readonly Row[], names: readonly string[]): Columns =>
  Object.fromEntries(names.map((name) => [name, rows.map((row) => must(row[name], name))]))

/** Shoal's trees by a recipe, told what YDF does by itself: so many rounds at most, as much shrinkage, as deep (six nodes are five questions), a tenth of the rows for validation. */
export function ourSide(table: Table) {
  const names = Object.keys(must(table.train[0], 'a row')).filter((name) => name !== table.label)
  const numbers = table.task === 'regression'
  const wanted = recipe.parse({
    architecture: { kind: 'trees', depth: 5 },
    epochs: 300,
    learningRate: { kind: 'constant', rate: 0.1 },
    stopEarly: { patience: 30 },
  })
  const cut = Math.floor(0.9 * table.train.length)
  const parts = { train: table.train.slice(0, cut), validation: table.train.slice(cut), test: table.test }
  const columns = Object.fromEntries(Object.entries(parts).map(([name, rows]) => [name, columnsOf(rows, names)]))
  const analysis = startTransformAnalysis(
    names.map((input) =>
      typeof table.train[0]?.[input] === 'string' ? { kind: 'one-hot', input, top: 300 } : { kind: 'passthrough', input },
    ),
  )
  analysis.add(must(columns['train'], 'rows'))
  const prepared: Preparation = {
    form: { kind: 'columns', columns: names },
    labels: numbers ? [] : LABELS,
    transforms: analysis.finish(),
    sliceBy: [],
  }
  const topology = topologyOf(wanted, prepared)
  /** From columns to what trees take, as training and devices do it. */
  const split = (part: keyof typeof parts): SplitExamples => {
    const rows = parts[part]
    const labels = rows.map((row) => (numbers ? Number(row[table.label]) : LABELS.indexOf(String(row[table.label]))))
    return {
      examples: { data: applyTransforms(prepared.transforms, must(columns[part], 'rows')), shape: [rows.length, ...inputShape(prepared)] },
      labels: numbers ? Float32Array.from(labels) : Int32Array.from(labels),
      transform: asIs,
      groups: {},
      unknown: 0,
    }
  }
  let result: RecipeResult | undefined
  const trained = () => ({ topology, tensors: must(result, 'a model').weights })
  return {
    async train(): Promise<void> {
      const [train, validation] = [split('train'), split('validation')]
      const signal = new AbortController().signal
      result = await trainByRecipe({ recipe: wanted, topology, prepared, train, validation, seed: 1, signal, onProgress: () => {} })
    },
    async predict(): Promise<number[]> {
      const { examples, labels } = split('test')
      const runtime = await openModel(trained())
      const [output] = await runtime.predict([
        { dtype: 'float32', shape: [...examples.shape], data: examples.data as Float32Array<ArrayBuffer> },
      ])
      runtime.dispose()
      const { data } = asNumbers(must(output, 'an output'), 'output')
      return Array.from(labels, (_, row) => Number(data[numbers ? row : 2 * row]))
    },
    /** Microseconds of a row that is asked about alone, and of one among all: without transforms. */
    async walk(now: () => number): Promise<{ alone: number; together: number }> {
      const { examples, labels } = split('test')
      const runtime = await openModel(trained())
      const width = examples.data.length / labels.length
      const data = examples.data as Float32Array<ArrayBuffer>
      const count = Math.min(2000, labels.length)
      const timed = async (calls: number, rows: number, of: (call: number) => Float32Array<ArrayBuffer>): Promise<number> => {
        const start = now()
        for (let call = 0; call < calls; call++) await runtime.predict([{ dtype: 'float32', shape: [rows, width], data: of(call) }])
        return (1000 * (now() - start)) / (calls * rows)
      }
      const one = (row: number) => data.slice(row * width, (row + 1) * width)
      await timed(count, 1, one)
      const times = { alone: await timed(count, 1, one), together: await timed(3, labels.length, () => data) }
      runtime.dispose()
      return times
    },
    trees: (): number => must(result?.weights['trees/start'], 'trees').data.length,
    rounds: (): number => must(result, 'a model').history.length,
    /** As it is stored, and as HTTP carries it. */
    bytes(): { stored: number; gzip: number } {
      const file = encodeModel(trained())
      return { stored: file.length, gzip: gzipSync(file).length }
    },
  }
}
