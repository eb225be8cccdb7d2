import type { Db } from '../database.ts'

/** A run that does another one again, step by step, to see whether the same comes out. */
export const migration = {
  name: '0013-replays',
  up: async (db: Db): Promise<void> => {
    await db.schema.alterTable('runs').addColumn('replay_of', 'text').execute()
    await db.schema.createIndex('runs_replays').on('runs').columns(['replay_of']).execute()
  },
}
