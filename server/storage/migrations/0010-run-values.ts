import { sql } from 'kysely'
import type { Db } from '../database.ts'

/**
 * What runs tell of themselves: metrics over steps, parameters, tags. Rows carry runs.seq and a name's number, not texts: there are millions of them. The latest
 * value of each metric stands beside the history, indexed by value, so that a search reads no history.
 */
export const migration = {
  name: '0010-run-values',
  up: async (db: Db): Promise<void> => {
    await db.schema
      .createTable('value_names')
      .addColumn('id', 'integer', (c) => c.primaryKey().notNull())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('name', 'text', (c) => c.notNull())
      .addUniqueConstraint('value_names_name', ['kind', 'name'])
      .execute()
    await db.schema
      .createTable('metric_points')
      .addColumn('run', 'integer', (c) => c.notNull())
      .addColumn('name', 'integer', (c) => c.notNull())
      .addColumn('step', 'integer', (c) => c.notNull())
      .addColumn('at', 'integer', (c) => c.notNull())
      // null: not a number
      .addColumn('value', sql`double precision`)
      .addPrimaryKeyConstraint('metric_points_key', ['run', 'name', 'step', 'at'])
      .execute()
    await db.schema
      .createTable('run_metrics')
      .addColumn('run', 'integer', (c) => c.notNull())
      .addColumn('name', 'integer', (c) => c.notNull())
      .addColumn('value', sql`double precision`)
      .addColumn('step', 'integer', (c) => c.notNull())
      .addColumn('at', 'integer', (c) => c.notNull())
      // the run whose history this is: another one's where the step came from the cache
      .addColumn('origin', 'integer', (c) => c.notNull())
      .addColumn('maker', 'text')
      .addPrimaryKeyConstraint('run_metrics_key', ['run', 'name'])
      .execute()
    await db.schema.createIndex('run_metrics_value').on('run_metrics').columns(['name', 'value', 'run']).execute()
    await db.schema
      .createTable('run_texts')
      .addColumn('run', 'integer', (c) => c.notNull())
      .addColumn('name', 'integer', (c) => c.notNull())
      .addColumn('value', 'text', (c) => c.notNull())
      // the value where the text is a number: `params.learningRate > 0.01`
      .addColumn('number', sql`double precision`)
      .addPrimaryKeyConstraint('run_texts_key', ['run', 'name'])
      .execute()
    await db.schema.createIndex('run_texts_value').on('run_texts').columns(['name', 'value', 'run']).execute()
    await db.schema.createIndex('run_texts_number').on('run_texts').columns(['name', 'number', 'run']).execute()
    await db.schema.createIndex('runs_created').on('runs').columns(['created', 'seq']).execute()
  },
}
