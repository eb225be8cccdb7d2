import type { Db } from '../database.ts'

/** Which moment of its schedule a trigger has dealt with: when it fired may be much later. */
export const migration = {
  name: '0012-trigger-moments',
  up: async (db: Db): Promise<void> => {
    await db.schema.alterTable('triggers').addColumn('last_due', 'integer').execute()
    // what a trigger has started lately: its budget
    await db.schema.createIndex('trigger_decisions_fired').on('trigger_decisions').columns(['pipeline', 'kind', 'fired', 'at']).execute()
  },
}
