import type { Db } from '../database.ts'

/** The maker of an artifact is the first in time that put it out: found without reading the thousands that took it from the cache; lineage reads the index alone. */
export const migration = {
  name: '0008-metadata-indexes',
  up: async (db: Db): Promise<void> => {
    await db.schema.dropIndex('artifact_events_artifact').execute()
    await db.schema
      .createIndex('artifact_events_artifact')
      .on('artifact_events')
      .columns(['artifact', 'type', 'at', 'execution', 'path'])
      .execute()
  },
}
