import * as z from 'zod'
import { batchLength } from '../../../shared/data/columns.ts'
import { inferSchema } from '../../../shared/data/infer-schema.ts'
import { startStatistics } from '../../../shared/data/statistics.ts'
import { suggestPreparation } from '../../../shared/data/suggestions.ts'
import { tableStatistics } from '../../analysis/table-statistics.ts'
import { parquetColumns, parquetRows } from '../../analysis/table-statistics-store.ts'
import { literal, openDuck } from '../../datasets/duckdb.ts'
import { defineComponent } from '../component.ts'
import { exampleForm } from '../data/example-form.ts'
import { readBatches } from '../data/parquet-batches.ts'

const params = z.strictObject({
  form: exampleForm,
  label: z.string(),
  /** Columns that are not looked at: how rows came here says nothing about them. */
  ignore: z.array(z.string()).default(['_span']),
})

/** Statistics of every column, the schema that they suggest, and the preparation that they call for. */
export const analyse = defineComponent({
  name: 'analyse',
  version: '2',
  module: import.meta.url,
  inputs: { data: 'data' },
  outputs: { statistics: 'statistics', schema: 'schema', suggestions: 'suggestions' },
  params,
  async run({ inputs: { data }, params: { form, label, ignore }, blobs, folder, progress, log, signal }) {
    const duck = await openDuck({ folder, files: [data.path], threads: 1, signal })
    try {
      const columns = (await parquetColumns(duck, data.path)).filter(({ name }) => !ignore.includes(name))
      const [counted] = await duck.rows(`SELECT count(*)::DOUBLE AS n FROM read_parquet(${literal(data.path)})`)
      const rows = Number(counted?.['n'] ?? 0)
      const image = form.kind === 'image' ? columns.find(({ name }) => name === form.column) : undefined
      const total = image === undefined ? rows : 2 * rows
      const others = await tableStatistics(
        duck,
        parquetRows(data.path, rows),
        columns.filter((column) => column !== image),
        { label, onProgress: (done, all) => progress(Math.floor((rows * done) / all), total, 'rows') },
      )
      const stream = startStatistics()
      if (image !== undefined) {
        let done = rows
        for await (const batch of readBatches(duck, `SELECT ${image.id} FROM read_parquet(${literal(data.path)})`, form)) {
          stream.add(batch)
          done += batchLength(batch)
          progress(done, total, 'rows')
        }
      }
      const found = [...stream.finish().features, ...others.features]
      const statistics = { examples: rows, features: columns.flatMap(({ name }) => found.find((feature) => feature.name === name) ?? []) }
      const suggestions = suggestPreparation(statistics, { label })
      for (const { feature, advice } of suggestions) log.info(`${feature}: ${advice}`)
      return {
        outputs: {
          statistics: await blobs.json(statistics, { properties: { examples: statistics.examples, features: statistics.features.length } }),
          schema: await blobs.json(inferSchema(statistics, { label })),
          suggestions: await blobs.json(suggestions, { properties: { suggestions: suggestions.length } }),
        },
      }
    } finally {
      duck.close()
    }
  },
})
