import { join } from 'node:path'
import * as z from 'zod'
import { AppError } from '../../../shared/core/errors.ts'
import { startStatistics } from '../../../shared/data/statistics.ts'
import { analyseTransforms, transformSpecSchema } from '../../../shared/data/transforms.ts'
import { type Duck, literal, openDuck, quoted } from '../../datasets/duckdb.ts'
import { PARQUET_OPTIONS } from '../../datasets/span-files.ts'
import { defineComponent } from '../component.ts'
import { exampleForm, type Preparation } from '../data/example-form.ts'
import { readBatches } from '../data/parquet-batches.ts'
import { splitSql } from '../data/split-sql.ts'

const share = z.number().min(0).max(1)

const params = z.strictObject({
  form: exampleForm,
  label: z.string(),
  /** Whether the label is one of several, or a number to be predicted. */
  task: z.enum(['classification', 'regression']).default('classification'),
  /** Names a row; rows are counted within their arrival where there is none. */
  id: z.string().nullable().default('id'),
  /** Says 'train', 'validation' or 'test' where the data's author has decided. */
  split: z.string().nullable().default('split'),
  /** Shares of the rows for which nobody has decided; of those decided to be 'train', the share that becomes validation. */
  fractions: z.strictObject({ validation: share, test: share }).default({ validation: 0.1, test: 0.15 }),
  /** Chooses the rows. Kept when everything else changes, or a later model would be tested on what an earlier one has learnt. */
  splitSeed: z.int().default(1),
  /** Scales images to 0 to 1, standardises columns, when absent. */
  transforms: z.array(transformSpecSchema).optional(),
  sliceBy: z.array(z.string()).default([]),
})

const SPLITS = ['train', 'validation', 'test'] as const

/** 0, 1, 10 rather than 0, 10, 1. */
const byName = (a: string, b: string): number =>
  Number.isFinite(Number(a)) && Number.isFinite(Number(b)) ? Number(a) - Number(b) : a < b ? -1 : 1

async function countLabels(duck: Duck, number: boolean): Promise<Record<string, Record<string, number>>> {
  const rows = await duck.rows(
    `SELECT assigned, ${number ? "'number'" : 'label'} AS label, count(*)::DOUBLE AS n FROM prepared GROUP BY ALL ORDER BY ALL`,
  )
  const counts: Record<string, Record<string, number>> = Object.fromEntries(SPLITS.map((name) => [name, {}]))
  for (const row of rows) {
    const split = counts[String(row['assigned'])]
    if (split !== undefined) split[String(row['label'])] = Number(row['n'])
  }
  return counts
}

/** Cleans, splits into disjoint parts, and freezes the transforms over the training part. */
export const prepare = defineComponent({
  name: 'prepare',
  version: '2',
  module: import.meta.url,
  inputs: { data: 'data' },
  outputs: { train: 'split', validation: 'split', test: 'split', transforms: 'transforms' },
  params,
  async run({ inputs: { data }, params: given, blobs, folder, log, progress }) {
    const { form, label, sliceBy } = given
    const duck = await openDuck({ folder, files: [data.path], threads: 1 })
    try {
      const described = await duck.rows(`SELECT column_name AS name FROM (DESCRIBE SELECT * FROM read_parquet(${literal(data.path)}))`)
      const columns = described.map((column) => String(column['name']))
      const features = form.kind === 'image' ? [form.column] : form.columns
      const missing = [label, ...features].filter((name) => !columns.includes(name))
      if (missing.length > 0)
        throw new AppError('invalid_input', `the data has no column ${missing.join(', ')}; it has ${columns.join(', ')}`)
      await duck.run(
        splitSql({
          ...given,
          path: data.path,
          columns,
          keep: [...new Set([...features, ...sliceBy.filter((name) => columns.includes(name))])],
        }),
      )
      const counts = await countLabels(duck, given.task === 'regression')
      const total = Number(data.properties['rows'] ?? 0)
      const kept = Object.values(counts)
        .flatMap((split) => Object.values(split))
        .reduce((sum, n) => sum + n, 0)
      if (kept < total) log.warn(`${total - kept} of ${total} rows were left out: no label, or an id that came before`)
      const labels = given.task === 'regression' ? [] : Object.keys(counts['train'] ?? {}).sort(byName)
      if (labels.length === 1 || (labels.length === 0 && given.task !== 'regression'))
        throw new AppError('invalid_input', `the training split has ${labels.length} labels: at least two are needed`)
      progress(1, 5, 'split')

      const path = (name: string) => join(folder, `${name}.parquet`)
      const outputs = { train: undefined, validation: undefined, test: undefined } as Record<
        (typeof SPLITS)[number],
        Awaited<ReturnType<typeof blobs.file>> | undefined
      >
      for (const [i, name] of SPLITS.entries()) {
        const rows = Object.values(counts[name] ?? {}).reduce((sum, n) => sum + n, 0)
        if (rows === 0) throw new AppError('invalid_input', `the ${name} split is empty: raise its fraction, or bring more rows`)
        // the order of the hash is a shuffled one: any first rows are a fair sample
        await duck.run(
          `COPY (SELECT * EXCLUDE (assigned, place) FROM prepared WHERE assigned = ${literal(name)} ORDER BY place) TO ${literal(path(name))} ${PARQUET_OPTIONS}`,
        )
        outputs[name] = await blobs.file(path(name), {
          properties: {
            split: name,
            rows,
            labels: counts[name] ?? {},
            columns: ['id', 'label', ...features, ...sliceBy.filter((c) => columns.includes(c))],
          },
        })
        log.info(`${name}: ${rows} rows`)
        progress(2 + i, 5, name)
      }

      const stream = startStatistics()
      for await (const batch of readBatches(
        duck,
        `SELECT ${features.map(quoted).join(', ')} FROM read_parquet(${literal(path('train'))})`,
        form,
      ))
        stream.add(batch)
      const statistics = stream.finish()
      const isText = (name: string): boolean => statistics.features.find((feature) => feature.name === name)?.type === 'string'
      const specs =
        given.transforms ??
        features.map((input) =>
          form.kind === 'image'
            ? { kind: 'image-scale' as const, input }
            : isText(input)
              ? { kind: 'one-hot' as const, input }
              : { kind: 'standardize' as const, input },
        )
      const prepared: Preparation = {
        form,
        labels,
        transforms: analyseTransforms(specs, statistics),
        sliceBy: sliceBy.filter((name) => columns.includes(name)),
      }
      const { train, validation, test } = outputs
      if (train === undefined || validation === undefined || test === undefined) throw new AppError('internal', 'a split was not written')
      return { outputs: { train, validation, test, transforms: await blobs.json(prepared, { properties: { labels: labels.length } }) } }
    } finally {
      duck.close()
    }
  },
})
