import * as z from 'zod'
import { AppError } from '../../../shared/core/errors.ts'
import type { JsonObject } from '../../../shared/core/json.ts'
import { startTransformAnalysis } from '../../../shared/data/analyse-transforms.ts'
import { transformSpecSchema } from '../../../shared/data/transform-specs.ts'
import { inputsOf } from '../../../shared/data/transforms.ts'
import { literal, openDuck, quoted } from '../../datasets/duckdb.ts'
import { defineComponent } from '../component.ts'
import { defaultTransforms, featureTypeOf } from '../data/default-transforms.ts'
import { type ExampleForm, exampleForm, type Preparation } from '../data/example-form.ts'
import { readBatches } from '../data/parquet-batches.ts'
import { sortMemoryMb } from '../data/sort-memory.ts'
import { methodColumn, splitMethod } from '../data/split-method.ts'
import { assignSplits, SPLITS, type SplitName, splitProperties, writeSplit } from '../data/write-splits.ts'

const share = z.number().min(0).max(1)

const params = z.strictObject({
  form: exampleForm,
  label: z.string(),
  /** Whether the label is one of several, or a number to be predicted. */
  task: z.enum(['classification', 'regression']).default('classification'),
  /** Names a row; rows are counted within their arrival where there is none. */
  id: z.string().nullable().default('id'),
  /** Says 'train', 'validation' or 'test' where the data's author has decided. Heeded by the methods random and stratified. */
  split: z.string().nullable().default('split'),
  method: splitMethod.default({ by: 'random' }),
  /** Shares of the rows for which nobody has decided; of those decided to be 'train', the share that becomes validation. */
  fractions: z
    .strictObject({ validation: share, test: share })
    .refine(({ validation, test }) => validation + test < 1, 'validation and test leave no rows to learn from')
    .default({ validation: 0.1, test: 0.15 }),
  /** Chooses the rows. Kept when everything else changes, or a later model would be tested on what an earlier one has learnt. */
  splitSeed: z.int().default(1),
  /** When absent, what default-transforms.ts says. */
  transforms: z.array(transformSpecSchema).optional(),
  sliceBy: z.array(z.string()).default([]),
})

/** 0, 1, 10 rather than 0, 10, 1. */
const byName = (a: string, b: string): number =>
  Number.isFinite(Number(a)) && Number.isFinite(Number(b)) ? Number(a) - Number(b) : a < b ? -1 : 1

const formColumns = (form: ExampleForm): readonly string[] => (form.kind === 'image' ? [form.column] : form.columns)

/** Neither is left running when the other fails: the database is closed then. */
async function bothEnded<A, B>(a: Promise<A>, b: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([a, b])
  return [await a, await b]
}

/** Cleans, splits into disjoint parts, and freezes the transforms over the training part. */
export const prepare = defineComponent({
  name: 'prepare',
  version: '2',
  module: import.meta.url,
  inputs: { data: 'data' },
  outputs: { train: 'split', validation: 'split', test: 'split', transforms: 'transforms' },
  params,
  async run({ inputs: { data }, params: given, blobs, folder, log, progress, signal }) {
    const { form, label, method, sliceBy } = given
    // one thread: the same rows give the same files
    const duck = await openDuck({ folder, files: [data.path], memoryMb: await sortMemoryMb(data.path, folder), threads: 1, signal })
    try {
      const described = await duck.rows(
        `SELECT column_name AS name, column_type AS type FROM (DESCRIBE SELECT * FROM read_parquet(${literal(data.path)}))`,
      )
      const types = new Map(described.map((column) => [String(column['name']), String(column['type'])]))
      const columns = [...types.keys()]
      const features = formColumns(form)
      const needed = [label, ...features, methodColumn(method) ?? label]
      const missing = needed.filter((name) => !types.has(name))
      if (missing.length > 0)
        throw new AppError('invalid_input', `the data has no column ${missing.join(', ')}; it has ${columns.join(', ')}`)

      const slices = sliceBy.filter((name) => types.has(name))
      const keep = [...new Set([...features, ...slices])]
      const query = { ...given, path: data.path, columns }
      const regression = given.task === 'regression'
      const output = { keep, folder, regression }
      const sizes = await assignSplits(duck, query)
      progress(1, 5, 'splits')
      const kept = SPLITS.reduce((sum, name) => sum + sizes[name], 0)
      const total = Number(data.properties['rows'] ?? 0)
      if (kept < total) log.warn(`${total - kept} of ${total} rows were left out: no label, nothing to split by, or an id that came before`)

      const train = await writeSplit(duck, query, 'train', output)
      progress(2, 5, 'train')
      const labels = regression ? [] : Object.keys(train.labels).sort(byName)
      if (labels.length < 2 && !regression)
        throw new AppError('invalid_input', `the training split has ${labels.length} labels: at least two are needed`)

      const analysis = startTransformAnalysis(given.transforms ?? defaultTransforms(form, types))
      const analysed = async () => {
        const select = `SELECT ${features.map(quoted).join(', ')} FROM read_parquet(${literal(train.path)})`
        for await (const batch of readBatches(duck, select, form)) analysis.add(batch)
        return analysis.finish()
      }
      const lane = await duck.lane()
      const others = async () => {
        const validation = await writeSplit(lane, query, 'validation', output)
        progress(3, 5, 'validation')
        const test = await writeSplit(lane, query, 'test', output)
        progress(4, 5, 'test')
        return { validation, test }
      }
      const [transforms, { validation, test }] = await bothEnded(analysed(), others())
      const written = { train, validation, test }
      progress(5, 5, 'transforms')

      const schema: JsonObject = {
        label: 'label',
        features: [
          { name: 'id', type: 'string' },
          { name: 'label', type: regression ? 'float' : 'string' },
          ...keep
            .filter((name) => name !== 'id' && name !== 'label')
            .map((name) => ({
              name,
              type: form.kind === 'image' && name === form.column ? 'image' : featureTypeOf(types.get(name) ?? ''),
            })),
        ],
      }
      const store = (name: SplitName) => {
        log.info(`${name}: ${written[name].rows} rows`)
        return blobs.file(written[name].path, { properties: splitProperties(name, written[name], schema) })
      }
      const taken = new Set(transforms.flatMap(inputsOf))
      const prepared: Preparation = {
        form: form.kind === 'image' ? form : { kind: 'columns', columns: form.columns.filter((name) => taken.has(name)) },
        labels,
        transforms,
        sliceBy: slices,
      }
      return {
        outputs: {
          train: await store('train'),
          validation: await store('validation'),
          test: await store('test'),
          transforms: await blobs.json(prepared, { properties: { labels: labels.length, inputs: [...taken] } }),
        },
      }
    } finally {
      duck.close()
    }
  },
})
