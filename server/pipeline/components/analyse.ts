import * as z from 'zod'
import { batchLength } from '../../../shared/data/columns.ts'
import { inferSchema } from '../../../shared/data/infer-schema.ts'
import { startStatistics } from '../../../shared/data/statistics.ts'
import { suggestPreparation } from '../../../shared/data/suggestions.ts'
import { literal, openDuck, quoted } from '../../datasets/duckdb.ts'
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
  version: '1',
  module: import.meta.url,
  inputs: { data: 'data' },
  outputs: { statistics: 'statistics', schema: 'schema', suggestions: 'suggestions' },
  params,
  async run({ inputs: { data }, params: { form, label, ignore }, blobs, folder, progress, log }) {
    const duck = await openDuck({ folder, files: [data.path], memoryMb: 512 })
    try {
      const total = Number(data.properties['rows'] ?? 0)
      const described = await duck.rows(`SELECT column_name AS name FROM (DESCRIBE SELECT * FROM read_parquet(${literal(data.path)}))`)
      const columns = described.map((column) => String(column['name'])).filter((name) => !ignore.includes(name))
      const stream = startStatistics({ label })
      let done = 0
      for await (const batch of readBatches(
        duck,
        `SELECT ${columns.map(quoted).join(', ')} FROM read_parquet(${literal(data.path)})`,
        form,
      )) {
        stream.add(batch)
        done += batchLength(batch)
        progress(done, Math.max(total, done), 'rows')
      }
      const statistics = stream.finish()
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
