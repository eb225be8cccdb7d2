import { join } from 'node:path'
import * as z from 'zod'
import { literal, openDuck } from '../../server/datasets/duckdb.ts'
import { PARQUET_OPTIONS } from '../../server/datasets/duckdb.ts'
import { defineComponent } from '../../server/pipeline/component.ts'

/** Gives each row the label of another one: what a join over the wrong key does to a training set. */
export const permuteLabels = defineComponent({
  name: 'permute-labels',
  version: '1',
  module: import.meta.url,
  inputs: { split: 'split' },
  outputs: { split: 'split' },
  params: z.strictObject({}),
  async run({ inputs: { split }, blobs, folder }) {
    const duck = await openDuck({ folder, files: [split.path], threads: 1 })
    try {
      const path = join(folder, 'permuted.parquet')
      const rows = `read_parquet(${literal(split.path)})`
      await duck.run(`
        COPY (
          SELECT r.* EXCLUDE (place) REPLACE (other.label AS label)
          FROM (SELECT *, row_number() OVER (ORDER BY id) AS place FROM ${rows}) r
          JOIN (SELECT label, row_number() OVER (ORDER BY md5(id)) AS place FROM ${rows}) other USING (place)
          ORDER BY md5(r.id || 'order')
        ) TO ${literal(path)} ${PARQUET_OPTIONS}`)
      return { outputs: { split: await blobs.file(path, { properties: split.properties }) } }
    } finally {
      duck.close()
    }
  },
})
