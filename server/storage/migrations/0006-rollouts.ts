import { sql } from 'kysely'
import type { Db } from '../database.ts'

export const migration = {
  name: '0006-rollouts',
  up: async (db: Db): Promise<void> => {
    await db.schema
      .createTable('rollouts')
      .addColumn('id', 'text', (c) => c.primaryKey().notNull())
      .addColumn('model', 'text', (c) => c.notNull())
      .addColumn('alias', 'text', (c) => c.notNull())
      .addColumn('mode', 'text', (c) => c.notNull())
      .addColumn('candidate', 'integer', (c) => c.notNull())
      .addColumn('stable', 'integer', (c) => c.notNull())
      .addColumn('salt', 'text', (c) => c.notNull())
      .addColumn('policy', 'text', (c) => c.notNull())
      .addColumn('reason', 'text', (c) => c.notNull())
      .addColumn('started_by', 'text', (c) => c.notNull())
      .addColumn('created', 'integer', (c) => c.notNull())
      .addColumn('ended', 'integer')
      .addColumn('state', 'text', (c) => c.notNull())
      // the state machine's own memory, as JSON
      .addColumn('progress', 'text', (c) => c.notNull())
      // the batch that is open: its number, when its first device reported
      .addColumn('batch', 'integer', (c) => c.notNull())
      .addColumn('batch_opened', 'integer')
      .execute()
    await db.schema.createIndex('rollouts_model').on('rollouts').columns(['model', 'created']).execute()
    // one at a time for each model and alias, whoever asks at once
    await db.schema
      .createIndex('rollouts_active')
      .unique()
      .on('rollouts')
      .columns(['model', 'alias'])
      .where(sql.ref('ended'), 'is', null)
      .execute()
    await db.schema
      .createTable('rollout_devices')
      .addColumn('rollout', 'text', (c) => c.notNull().references('rollouts.id'))
      // a hash of rollout and device: says nothing outside this rollout
      .addColumn('device', 'text', (c) => c.notNull())
      // candidate, or stable N for stage N: a device counts once in each
      .addColumn('part', 'text', (c) => c.notNull())
      // 1: heard of in an earlier stage already, so compared only with its like
      .addColumn('again', 'integer', (c) => c.notNull())
      .addColumn('batch', 'integer', (c) => c.notNull())
      .addColumn('arm', 'text', (c) => c.notNull())
      .addColumn('bad', 'integer', (c) => c.notNull())
      .addColumn('self_rollback', 'integer', (c) => c.notNull())
      // 0: the device ran another version than its place in the cohort says
      .addColumn('counted', 'integer', (c) => c.notNull())
      .addPrimaryKeyConstraint('rollout_devices_key', ['rollout', 'device', 'part'])
      .execute()
    await db.schema.createIndex('rollout_devices_batch').on('rollout_devices').columns(['rollout', 'batch']).execute()
    await db.schema
      .createTable('rollout_looks')
      .addColumn('rollout', 'text', (c) => c.notNull().references('rollouts.id'))
      .addColumn('number', 'integer', (c) => c.notNull())
      .addColumn('look', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('rollout_looks_key', ['rollout', 'number'])
      .execute()
    // candidates that evidence has sent back: not tried again under this alias
    await db.schema
      .createTable('rollout_refused')
      .addColumn('model', 'text', (c) => c.notNull())
      .addColumn('alias', 'text', (c) => c.notNull())
      .addColumn('version', 'integer', (c) => c.notNull())
      .addColumn('rollout', 'text', (c) => c.notNull())
      .addColumn('reason', 'text', (c) => c.notNull())
      .addColumn('at', 'integer', (c) => c.notNull())
      .addPrimaryKeyConstraint('rollout_refused_key', ['model', 'alias', 'version'])
      .execute()
  },
}
