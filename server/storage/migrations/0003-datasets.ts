import type { Db } from '../database.ts'

export const migration = {
  name: '0003-datasets',
  up: async (db: Db): Promise<void> => {
    await db.schema
      .createTable('datasets')
      .addColumn('name', 'text', (c) => c.primaryKey().notNull())
      .addColumn('description', 'text', (c) => c.notNull())
      .addColumn('created', 'integer', (c) => c.notNull())
      .addColumn('schema', 'text')
      .execute()
    await db.schema
      .createTable('spans')
      .addColumn('dataset', 'text', (c) => c.notNull().references('datasets.name'))
      .addColumn('span', 'integer', (c) => c.notNull())
      .addColumn('source', 'text', (c) => c.notNull())
      .addColumn('rows', 'integer', (c) => c.notNull())
      .addColumn('bytes', 'integer', (c) => c.notNull())
      .addColumn('digest', 'text', (c) => c.notNull())
      .addColumn('created', 'integer', (c) => c.notNull())
      .addPrimaryKeyConstraint('spans_key', ['dataset', 'span'])
      .execute()
    // `span` is null until the example was frozen into a span; the pixels are dropped then, the id stays so that a late repeat is known
    await db.schema
      .createTable('shared_examples')
      .addColumn('model', 'text', (c) => c.notNull())
      .addColumn('id', 'text', (c) => c.notNull())
      .addColumn('captured', 'integer', (c) => c.notNull())
      .addColumn('received', 'integer', (c) => c.notNull())
      .addColumn('sender', 'text', (c) => c.notNull())
      .addColumn('label', 'text', (c) => c.notNull())
      .addColumn('shape', 'text', (c) => c.notNull())
      .addColumn('data', 'text')
      .addColumn('dataset', 'text')
      .addColumn('span', 'integer')
      .addPrimaryKeyConstraint('shared_examples_key', ['model', 'id'])
      .execute()
    await db.schema.createIndex('shared_examples_new').on('shared_examples').columns(['model', 'span']).execute()
    await db.schema.createIndex('shared_examples_sender').on('shared_examples').columns(['model', 'sender', 'received']).execute()
  },
}
