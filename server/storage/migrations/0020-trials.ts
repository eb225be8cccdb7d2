import { sql } from 'kysely'
import type { Db } from '../database.ts'

/** Trials of searches for the best parameters: each as it stands. */
export const migration = {
  name: '0020-trials',
  up: async (db: Db): Promise<void> => {
    await db.schema
      .createTable('trials')
      .addColumn('run', 'text', (c) => c.notNull().references('runs.id'))
      .addColumn('step', 'text', (c) => c.notNull())
      .addColumn('number', 'integer', (c) => c.notNull())
      .addColumn('state', 'text', (c) => c.notNull())
      // null: it has not come to a rung
      .addColumn('score', sql`double precision`)
      .addColumn('record', 'text', (c) => c.notNull())
      .addColumn('at', 'integer', (c) => c.notNull())
      .addPrimaryKeyConstraint('trials_key', ['run', 'step', 'number'])
      .execute()
    await db.schema.createIndex('trials_score').on('trials').columns(['score']).execute()
  },
}
