import type { Db } from '../database.ts'

/** What versions were put to through the API, and what came of it. */
export const migration = {
  name: '0026-version-tests',
  up: async (db: Db): Promise<void> => {
    await db.schema
      .createTable('version_tests')
      .addColumn('model', 'text', (c) => c.notNull())
      .addColumn('version', 'integer', (c) => c.notNull())
      .addColumn('number', 'integer', (c) => c.notNull())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('at', 'bigint', (c) => c.notNull())
      .addColumn('by', 'text', (c) => c.notNull())
      .addColumn('checks', 'text', (c) => c.notNull())
      .addColumn('figures', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('version_tests_key', ['model', 'version', 'number'])
      .addForeignKeyConstraint('version_tests_version', ['model', 'version'], 'versions', ['model', 'version'])
      .execute()
  },
}
