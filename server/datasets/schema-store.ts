import type { Selectable } from 'kysely'
import type { DatasetSchema } from '../../shared/data/schema.ts'
import type { SchemaChange } from '../../shared/data/schema-diff.ts'
import type { Db } from '../storage/database.ts'

export type SchemaState = 'proposed' | 'accepted' | 'rejected' | 'superseded'

type SchemaTables = {
  dataset_schemas: {
    dataset: string
    version: number
    state: SchemaState
    schema: string
    changes: string | null
    proposed_at: number
    proposed_by: string
    proposed_reason: string
    decided_at: number | null
    decided_by: string | null
    decided_reason: string | null
  }
}

export type Deed = { readonly at: number; readonly by: string; readonly reason: string }

export type StoredSchema = {
  readonly version: number
  readonly state: SchemaState
  readonly schema: DatasetSchema
  /** Beside what was accepted when it was decided on; null before. */
  readonly changes: SchemaChange[] | null
  readonly proposed: Deed
  readonly decided: Deed | null
}

const storedOf = (row: Selectable<SchemaTables['dataset_schemas']>): StoredSchema => ({
  version: row.version,
  state: row.state,
  schema: JSON.parse(row.schema) as DatasetSchema,
  changes: row.changes === null ? null : (JSON.parse(row.changes) as SchemaChange[]),
  proposed: { at: row.proposed_at, by: row.proposed_by, reason: row.proposed_reason },
  decided: row.decided_at === null ? null : { at: row.decided_at, by: row.decided_by ?? '', reason: row.decided_reason ?? '' },
})

/** Takes a database or a transaction. */
export function schemaStore(base: Db) {
  const db = base.withTables<SchemaTables>()
  return {
    /** Newest first. */
    list: async (dataset: string): Promise<StoredSchema[]> =>
      (await db.selectFrom('dataset_schemas').selectAll().where('dataset', '=', dataset).orderBy('version', 'desc').execute()).map(
        storedOf,
      ),

    async get(dataset: string, version: number): Promise<StoredSchema | undefined> {
      const row = await db
        .selectFrom('dataset_schemas')
        .selectAll()
        .where('dataset', '=', dataset)
        .where('version', '=', version)
        .executeTakeFirst()
      return row && storedOf(row)
    },

    async propose(dataset: string, schema: DatasetSchema, { at, by, reason }: Deed): Promise<number> {
      const last = await db
        .selectFrom('dataset_schemas')
        .select((e) => e.fn.max('version').as('version'))
        .where('dataset', '=', dataset)
        .executeTakeFirst()
      const version = (last?.version ?? 0) + 1
      await db
        .insertInto('dataset_schemas')
        .values({
          dataset,
          version,
          state: 'proposed',
          schema: JSON.stringify(schema),
          changes: null,
          proposed_at: at,
          proposed_by: by,
          proposed_reason: reason,
          decided_at: null,
          decided_by: null,
          decided_reason: null,
        })
        .execute()
      return version
    },

    /** What was accepted makes way for what is. */
    async decide(
      dataset: string,
      version: number,
      state: 'accepted' | 'rejected',
      changes: SchemaChange[],
      { at, by, reason }: Deed,
    ): Promise<void> {
      if (state === 'accepted')
        await db
          .updateTable('dataset_schemas')
          .set({ state: 'superseded' })
          .where('dataset', '=', dataset)
          .where('state', '=', 'accepted')
          .execute()
      await db
        .updateTable('dataset_schemas')
        .set({ state, changes: JSON.stringify(changes), decided_at: at, decided_by: by, decided_reason: reason })
        .where('dataset', '=', dataset)
        .where('version', '=', version)
        .execute()
    },
  }
}
