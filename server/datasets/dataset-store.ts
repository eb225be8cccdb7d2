import type { Selectable } from 'kysely'
import type { DatasetSummary } from '../../shared/contract/datasets.ts'
import type { Sha256 } from '../../shared/core/digest.ts'
import type { Slug } from '../../shared/core/ids.ts'
import type { Db } from '../storage/database.ts'

export type SpanSummary = DatasetSummary['spans'][number]

export type DatasetTables = {
  datasets: { name: string; description: string; created: number; schema: string | null }
  spans: { dataset: string; span: number; source: string; rows: number; bytes: number; digest: string; created: number }
}

const spanOf = ({ span, source, rows, bytes, digest, created }: Selectable<DatasetTables['spans']>): SpanSummary => ({
  span,
  source,
  rows,
  bytes,
  digest: digest as Sha256,
  created,
})

/** Takes a database or a transaction. */
export function datasetStore(base: Db) {
  const db = base.withTables<DatasetTables>()

  const summaryOf = (row: Selectable<DatasetTables['datasets']>, spans: readonly SpanSummary[]): DatasetSummary => ({
    name: row.name as Slug,
    description: row.description,
    created: row.created,
    rows: spans.reduce((sum, { rows }) => sum + rows, 0),
    spans: [...spans],
    schema: row.schema === null ? null : (JSON.parse(row.schema) as DatasetSummary['schema']),
  })

  return {
    /** False when there is one of this name. */
    async add(dataset: { name: string; description: string; created: number; schema: string | null }): Promise<boolean> {
      const added = await db
        .insertInto('datasets')
        .values(dataset)
        .onConflict((c) => c.doNothing())
        .returning('name')
        .executeTakeFirst()
      return added !== undefined
    },

    async get(name: string): Promise<DatasetSummary | undefined> {
      const row = await db.selectFrom('datasets').selectAll().where('name', '=', name).executeTakeFirst()
      if (row === undefined) return undefined
      const spans = await db.selectFrom('spans').selectAll().where('dataset', '=', name).orderBy('span').execute()
      return summaryOf(row, spans.map(spanOf))
    },

    async list(): Promise<DatasetSummary[]> {
      const rows = await db.selectFrom('datasets').selectAll().orderBy('name').execute()
      const spans = await db.selectFrom('spans').selectAll().orderBy('span').execute()
      return rows.map((row) => summaryOf(row, spans.filter((span) => span.dataset === row.name).map(spanOf)))
    },

    async setSchema(name: string, schema: string): Promise<void> {
      await db.updateTable('datasets').set({ schema }).where('name', '=', name).execute()
    },

    async addSpan(dataset: string, span: Omit<SpanSummary, 'span'>): Promise<SpanSummary> {
      const last = await db
        .selectFrom('spans')
        .select((e) => e.fn.max('span').as('span'))
        .where('dataset', '=', dataset)
        .executeTakeFirst()
      const row = await db
        .insertInto('spans')
        .values({ dataset, span: (last?.span ?? 0) + 1, ...span })
        .returningAll()
        .executeTakeFirstOrThrow()
      return spanOf(row)
    },

    spans: async (dataset: string): Promise<SpanSummary[]> =>
      (await db.selectFrom('spans').selectAll().where('dataset', '=', dataset).orderBy('span').execute()).map(spanOf),
  }
}
