import type { Db } from '../database.ts'

type Before = { datasets: { name: string; created: number; schema: string | null } }
type After = { dataset_schemas: Record<string, string | number | null> }

export const migration = {
  name: '0015-dataset-schemas',
  up: async (db: Db): Promise<void> => {
    await db.schema
      .createTable('dataset_schemas')
      .addColumn('dataset', 'text', (c) => c.notNull().references('datasets.name'))
      .addColumn('version', 'integer', (c) => c.notNull())
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('schema', 'text', (c) => c.notNull())
      .addColumn('changes', 'text')
      .addColumn('proposed_at', 'bigint', (c) => c.notNull())
      .addColumn('proposed_by', 'text', (c) => c.notNull())
      .addColumn('proposed_reason', 'text', (c) => c.notNull())
      .addColumn('decided_at', 'bigint')
      .addColumn('decided_by', 'text')
      .addColumn('decided_reason', 'text')
      .addPrimaryKeyConstraint('dataset_schemas_key', ['dataset', 'version'])
      .execute()
    // what was accepted before versions were kept is version 1
    const accepted = await db
      .withTables<Before>()
      .selectFrom('datasets')
      .select(['name', 'created', 'schema'])
      .where('schema', 'is not', null)
      .execute()
    const deed = (at: number) => ({ at, by: 'shoal', reason: 'accepted before versions of schemas were kept' })
    for (const { name, created, schema } of accepted) {
      const { at, by, reason } = deed(created)
      await db
        .withTables<After>()
        .insertInto('dataset_schemas')
        .values({
          dataset: name,
          version: 1,
          state: 'accepted',
          schema,
          changes: '[]',
          proposed_at: at,
          proposed_by: by,
          proposed_reason: reason,
          decided_at: at,
          decided_by: by,
          decided_reason: reason,
        })
        .execute()
    }
  },
}
