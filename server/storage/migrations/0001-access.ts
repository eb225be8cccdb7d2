import type { Db } from '../database.ts'

export const migration = {
  name: '0001-access',
  up: async (db: Db): Promise<void> => {
    await db.schema
      .createTable('api_keys')
      .addColumn('id', 'text', (c) => c.primaryKey().notNull())
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('scope', 'text', (c) => c.notNull())
      .addColumn('lookup', 'text', (c) => c.notNull())
      .addColumn('hash', 'text', (c) => c.notNull().unique())
      .addColumn('created', 'integer', (c) => c.notNull())
      .addColumn('expires', 'integer')
      .addColumn('revoked', 'integer')
      .addColumn('last_used', 'integer')
      .execute()
    await db.schema.createIndex('api_keys_lookup').on('api_keys').column('lookup').execute()
    await db.schema
      .createTable('apps')
      .addColumn('app', 'text', (c) => c.primaryKey().notNull())
      .addColumn('created', 'integer', (c) => c.notNull())
      .addColumn('models', 'text', (c) => c.notNull())
      .execute()
    await db.schema
      .createTable('devices')
      .addColumn('id', 'text', (c) => c.primaryKey().notNull())
      .addColumn('app', 'text', (c) => c.notNull().references('apps.app'))
      .addColumn('lookup', 'text', (c) => c.notNull())
      .addColumn('hash', 'text', (c) => c.notNull())
      .addColumn('created', 'integer', (c) => c.notNull())
      .addColumn('expires', 'integer', (c) => c.notNull())
      .execute()
    await db.schema.createIndex('devices_lookup').on('devices').column('lookup').execute()
    await db.schema
      .createTable('idempotency')
      .addColumn('id', 'text', (c) => c.primaryKey().notNull())
      .addColumn('request', 'text', (c) => c.notNull())
      .addColumn('status', 'integer', (c) => c.notNull())
      .addColumn('reply', 'text', (c) => c.notNull())
      .addColumn('created', 'integer', (c) => c.notNull())
      .execute()
    await db.schema.createIndex('idempotency_created').on('idempotency').column('created').execute()
  },
}
