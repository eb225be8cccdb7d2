import type { Db } from '../database.ts'

export const migration = {
  name: '0005-monitoring',
  up: async (db: Db): Promise<void> => {
    // which reports were counted; a report older than the age limit is refused, so rows older than that can go
    await db.schema
      .createTable('reports_seen')
      .addColumn('epoch', 'text', (c) => c.notNull())
      .addColumn('started', 'integer', (c) => c.notNull())
      .addColumn('sequence', 'integer', (c) => c.notNull())
      .addPrimaryKeyConstraint('reports_seen_key', ['epoch', 'started', 'sequence'])
      .execute()
    await db.schema.createIndex('reports_seen_started').on('reports_seen').column('started').execute()
    // for plots: by the time at which the device counted
    await db.schema
      .createTable('monitoring_windows')
      .addColumn('model', 'text', (c) => c.notNull())
      .addColumn('version', 'integer', (c) => c.notNull())
      .addColumn('started', 'integer', (c) => c.notNull())
      .addColumn('until', 'integer', (c) => c.notNull())
      .addColumn('devices', 'integer', (c) => c.notNull())
      .addColumn('reports', 'integer', (c) => c.notNull())
      .addColumn('totals', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('monitoring_windows_key', ['model', 'version', 'started'])
      .execute()
    await db.schema
      .createTable('monitoring_window_devices')
      .addColumn('model', 'text', (c) => c.notNull())
      .addColumn('version', 'integer', (c) => c.notNull())
      .addColumn('started', 'integer', (c) => c.notNull())
      .addColumn('epoch', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('monitoring_window_devices_key', ['model', 'version', 'started', 'epoch'])
      .execute()
    // for decisions: by arrival, closed after so many devices or so much time
    await db.schema
      .createTable('monitoring_batches')
      .addColumn('model', 'text', (c) => c.notNull())
      .addColumn('version', 'integer', (c) => c.notNull())
      .addColumn('number', 'integer', (c) => c.notNull())
      .addColumn('opened', 'integer', (c) => c.notNull())
      .addColumn('closed', 'integer')
      .addColumn('devices', 'integer', (c) => c.notNull())
      .addColumn('reports', 'integer', (c) => c.notNull())
      .addColumn('totals', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('monitoring_batches_key', ['model', 'version', 'number'])
      .execute()
    await db.schema
      .createTable('monitoring_batch_devices')
      .addColumn('model', 'text', (c) => c.notNull())
      .addColumn('version', 'integer', (c) => c.notNull())
      .addColumn('number', 'integer', (c) => c.notNull())
      .addColumn('epoch', 'text', (c) => c.notNull())
      .addColumn('outcomes', 'integer', (c) => c.notNull())
      .addPrimaryKeyConstraint('monitoring_batch_devices_key', ['model', 'version', 'number', 'epoch'])
      .execute()
    await db.schema
      .createTable('monitoring_watch')
      .addColumn('model', 'text', (c) => c.notNull())
      .addColumn('version', 'integer', (c) => c.notNull())
      .addColumn('state', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('monitoring_watch_key', ['model', 'version'])
      .execute()
    await db.schema
      .createTable('monitoring_verdicts')
      .addColumn('model', 'text', (c) => c.notNull())
      .addColumn('version', 'integer', (c) => c.notNull())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('at', 'integer', (c) => c.notNull())
      .addColumn('verdict', 'text', (c) => c.notNull())
      // told to the alerts and to whoever listens: a crash in between tells it again
      .addColumn('announced', 'integer', (c) => c.notNull())
      .addColumn('cleared', 'integer')
      .addPrimaryKeyConstraint('monitoring_verdicts_key', ['model', 'version', 'kind', 'at'])
      .execute()
    await db.schema
      .createTable('alerts')
      .addColumn('id', 'text', (c) => c.primaryKey().notNull())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('severity', 'text', (c) => c.notNull())
      .addColumn('subject', 'text', (c) => c.notNull())
      .addColumn('title', 'text', (c) => c.notNull())
      .addColumn('detail', 'text', (c) => c.notNull())
      .addColumn('evidence', 'text', (c) => c.notNull())
      .addColumn('at', 'integer', (c) => c.notNull())
      // the cause, where it must be told of once only
      .addColumn('cause', 'text', (c) => c.unique())
      .addColumn('acknowledged_at', 'integer')
      .addColumn('acknowledged_by', 'text')
      .execute()
    await db.schema.createIndex('alerts_at').on('alerts').columns(['at', 'id']).execute()
  },
}
