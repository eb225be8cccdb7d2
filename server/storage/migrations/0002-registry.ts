import type { Db } from '../database.ts'

export const migration = {
  name: '0002-registry',
  up: async (db: Db): Promise<void> => {
    await db.schema
      .createTable('models')
      .addColumn('name', 'text', (c) => c.primaryKey().notNull())
      .addColumn('description', 'text', (c) => c.notNull())
      .addColumn('created', 'integer', (c) => c.notNull())
      .execute()
    // signed manifests, immutable, by the digest of the document inside
    await db.schema
      .createTable('manifests')
      .addColumn('digest', 'text', (c) => c.primaryKey().notNull())
      .addColumn('envelope', 'text', (c) => c.notNull())
      .execute()
    await db.schema
      .createTable('versions')
      .addColumn('model', 'text', (c) => c.notNull().references('models.name'))
      .addColumn('version', 'integer', (c) => c.notNull())
      .addColumn('manifest', 'text', (c) => c.notNull().references('manifests.digest'))
      .addColumn('parent', 'integer')
      .addColumn('created', 'integer', (c) => c.notNull())
      .addColumn('bytes', 'integer', (c) => c.notNull())
      .addColumn('metrics', 'text', (c) => c.notNull())
      .addColumn('run', 'text')
      .addColumn('notes', 'text', (c) => c.notNull())
      .addColumn('revoked_at', 'integer')
      .addColumn('revoked_reason', 'text')
      // the request that made it: the same request again finds the version it made before
      .addColumn('request', 'text', (c) => c.unique())
      .addPrimaryKeyConstraint('versions_key', ['model', 'version'])
      .execute()
    await db.schema
      .createTable('aliases')
      .addColumn('model', 'text', (c) => c.notNull())
      .addColumn('alias', 'text', (c) => c.notNull())
      .addColumn('version', 'integer', (c) => c.notNull())
      .addPrimaryKeyConstraint('aliases_key', ['model', 'alias'])
      .addForeignKeyConstraint('aliases_version', ['model', 'version'], 'versions', ['model', 'version'])
      .execute()
    await db.schema
      .createTable('alias_changes')
      .addColumn('model', 'text', (c) => c.notNull())
      .addColumn('alias', 'text', (c) => c.notNull())
      .addColumn('sequence', 'integer', (c) => c.notNull())
      .addColumn('from_version', 'integer')
      .addColumn('to_version', 'integer', (c) => c.notNull())
      .addColumn('at', 'integer', (c) => c.notNull())
      .addColumn('by', 'text', (c) => c.notNull())
      .addColumn('reason', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('alias_changes_key', ['model', 'alias', 'sequence'])
      .execute()
    await db.schema
      .createTable('releases')
      .addColumn('model', 'text', (c) => c.notNull())
      .addColumn('alias', 'text', (c) => c.notNull())
      .addColumn('sequence', 'integer', (c) => c.notNull())
      .addColumn('issued', 'integer', (c) => c.notNull())
      .addColumn('expires', 'integer', (c) => c.notNull())
      .addColumn('document', 'text', (c) => c.notNull())
      .addColumn('envelope', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('releases_key', ['model', 'alias', 'sequence'])
      .execute()
  },
}
