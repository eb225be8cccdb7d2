import { sql } from 'kysely'
import type { Db } from '../database.ts'

export const migration = {
  name: '0007-federation',
  up: async (db: Db): Promise<void> => {
    await db.schema
      .createTable('rounds')
      .addColumn('id', 'text', (c) => c.primaryKey().notNull())
      .addColumn('model', 'text', (c) => c.notNull())
      .addColumn('plan', 'text', (c) => c.notNull())
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('wanted', 'integer', (c) => c.notNull())
      .addColumn('minimum', 'integer', (c) => c.notNull())
      .addColumn('opened', 'integer', (c) => c.notNull())
      .addColumn('deadline', 'integer', (c) => c.notNull())
      .addColumn('ended', 'integer')
      .addColumn('accepted', 'integer', (c) => c.notNull())
      .addColumn('refused', 'text', (c) => c.notNull())
      .addColumn('result', 'text')
      .addColumn('why', 'text')
      .execute()
    await db.schema.createIndex('rounds_model').on('rounds').columns(['model', 'opened']).execute()
    // one at a time for each model, whoever asks at once
    await db.schema.createIndex('rounds_active').unique().on('rounds').column('model').where(sql.ref('ended'), 'is', null).execute()
    await db.schema
      .createTable('leases')
      .addColumn('id', 'text', (c) => c.primaryKey().notNull())
      .addColumn('round', 'text', (c) => c.notNull().references('rounds.id'))
      // a hash of round and device: says nothing outside this round
      .addColumn('device', 'text', (c) => c.notNull())
      .addColumn('expires', 'integer', (c) => c.notNull())
      .addColumn('state', 'text', (c) => c.notNull())
      // of the update that came: what it was, what it counts for, how large it was
      .addColumn('digest', 'text')
      .addColumn('examples', 'integer')
      .addColumn('norm', 'real')
      .addUniqueConstraint('leases_device', ['round', 'device'])
      .execute()
    // contributions themselves, only until they are aggregated
    await db.schema
      .createTable('round_updates')
      .addColumn('lease', 'text', (c) => c.primaryKey().notNull().references('leases.id'))
      .addColumn('round', 'text', (c) => c.notNull())
      .addColumn('body', 'blob', (c) => c.notNull())
      .execute()
    await db.schema.createIndex('round_updates_round').on('round_updates').column('round').execute()
  },
}
