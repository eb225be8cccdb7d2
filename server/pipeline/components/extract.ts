import { join } from 'node:path'
import * as z from 'zod'
import { AppError } from '../../../shared/core/errors.ts'
import type { Slug } from '../../../shared/core/ids.ts'
import { literal, openDuck, quoted } from '../../datasets/duckdb.ts'
import { PARQUET_OPTIONS } from '../../datasets/duckdb.ts'
import { defineComponent } from '../component.ts'

const found = z.strictObject({
  dataset: z.string(),
  spans: z.array(z.strictObject({ span: z.int(), source: z.string(), digest: z.string(), rows: z.int() })),
})
const sources = z.record(z.string(), found)

const params = z.strictObject({
  /** Views that the query sees, and the dataset that each stands for. */
  sources: z.record(z.string().regex(/^[a-z][a-z0-9_]*$/), z.string()),
  /** DuckDB SQL over the views; each view also has `_span`, the number of the arrival that a row came with. All rows of the only source when absent. */
  query: z.string().max(20_000).optional(),
  /** First turn the examples that people shared for a model into a span of its dataset. */
  collect: z.strictObject({ dataset: z.string(), model: z.string() }).nullable().default(null),
  /** First import from sources that the server knows by name; rows that are the same as the last time are no new span. */
  imports: z
    .array(
      z.strictObject({
        dataset: z.string(),
        source: z.string(),
        table: z.string().optional(),
        query: z.string().optional(),
        file: z.string().optional(),
      }),
    )
    .default([]),
})

/** Selects and joins data from several sources into one table. */
export const extract = defineComponent({
  name: 'extract',
  version: '1',
  module: import.meta.url,
  inputs: {},
  outputs: { data: 'data' },
  params,
  async reads({ params: { sources: wanted, collect, imports }, api }) {
    for (const { dataset, source, ...selection } of imports)
      await api('spans.import', {
        params: { dataset: dataset as Slug },
        body: { source: source as Slug, ...(selection as { table?: string; query?: string; file?: string }) },
      })
    if (collect !== null)
      await api('spans.collect', { params: { dataset: collect.dataset as Slug }, body: { model: collect.model as Slug } })
    const entries = await Promise.all(
      Object.entries(wanted).map(async ([view, dataset]) => {
        const { spans } = await api('datasets.get', { params: { dataset: dataset as Slug } })
        return [view, { dataset, spans: spans.map(({ span, source, digest, rows }) => ({ span, source, digest, rows })) }] as const
      }),
    )
    return Object.fromEntries(entries)
  },
  async run({ params: { query }, reads, blobs, folder, log, progress, signal }) {
    const views = Object.entries(sources.parse(reads))
    const only = views.length === 1 ? views[0]?.[0] : undefined
    const select = query ?? (only === undefined ? undefined : `SELECT * FROM ${quoted(only)}`)
    if (select === undefined) throw new AppError('invalid_input', 'more than one source needs a query that joins them')
    const located = await Promise.all(
      views.map(async ([view, { dataset, spans }]) => {
        if (spans.length === 0) throw new AppError('invalid_input', `dataset ${dataset} has no rows yet: upload a file first`)
        return { view, spans: await Promise.all(spans.map(async (span) => ({ ...span, path: await blobs.path(span.digest as never) }))) }
      }),
    )
    // one thread: the rows' order, and with it the file, is then the same each time
    const duck = await openDuck({ folder, files: located.flatMap(({ spans }) => spans.map(({ path }) => path)), threads: 1, signal })
    try {
      for (const { view, spans } of located) {
        const parts = spans.map(({ path, span }) => `SELECT *, ${span} AS _span FROM read_parquet(${literal(path)})`)
        await duck.run(`CREATE VIEW ${quoted(view)} AS ${parts.join(' UNION ALL BY NAME ')}`)
      }
      progress(0, 1, 'reading')
      const path = join(folder, 'data.parquet')
      await duck.run(`COPY (${select}) TO ${literal(path)} ${PARQUET_OPTIONS}`)
      const [counted] = await duck.rows(`SELECT count(*)::DOUBLE AS n FROM read_parquet(${literal(path)})`)
      const rows = Number(counted?.['n'] ?? 0)
      if (rows === 0) throw new AppError('invalid_input', 'the query gave no rows')
      const columns = await duck.rows(
        `SELECT column_name AS name, column_type AS type FROM (DESCRIBE SELECT * FROM read_parquet(${literal(path)}))`,
      )
      log.info(`${rows} rows from ${views.map(([view, { dataset, spans }]) => `${view} = ${dataset} (${spans.length} spans)`).join(', ')}`)
      const properties = {
        rows,
        query: select,
        columns: Object.fromEntries(columns.map((column) => [String(column['name']), String(column['type'])])),
        sources: views.flatMap(([view, { dataset, spans }]) => spans.map((span) => ({ view, dataset, ...span }))),
      }
      return { outputs: { data: await blobs.file(path, { properties }) } }
    } finally {
      duck.close()
    }
  },
})
