import { sql } from 'kysely'
import type { Db } from '../database.ts'

/**
 * Each artifact names the execution that made it (others may have taken it from the cache since), so that lineage and pages of runs need not look for it. The key of
 * the events holds all that lineage reads: one look-up instead of two.
 */
export const migration = {
  name: '0011-artifact-makers',
  up: async (db: Db): Promise<void> => {
    await db.schema.alterTable('artifacts').addColumn('made_by', 'text').execute()
    await db.schema.alterTable('artifacts').addColumn('made_as', 'text').execute()
    for (const [column, from] of [
      ['made_by', 'execution'],
      ['made_as', 'path'],
    ] as const)
      await sql`update artifacts set ${sql.ref(column)} = (
        select ${sql.ref(`ev.${from}`)} from artifact_events ev join executions e on e.id = ev.execution
        where ev.artifact = artifacts.id and ev.type = 'output' and e.state <> 'cached' order by ev.at limit 1)`.execute(db)
    await db.schema
      .createTable('artifact_links')
      .addColumn('artifact', 'text', (c) => c.notNull().references('artifacts.id'))
      .addColumn('execution', 'text', (c) => c.notNull().references('executions.id'))
      .addColumn('type', 'text', (c) => c.notNull())
      .addColumn('path', 'text', (c) => c.notNull())
      .addColumn('at', 'integer', (c) => c.notNull())
      .addPrimaryKeyConstraint('artifact_links_key', ['execution', 'type', 'path', 'artifact'])
      .execute()
    await sql`insert into artifact_links (artifact, execution, type, path, at) select artifact, execution, type, path, at from artifact_events`.execute(
      db,
    )
    await db.schema.dropTable('artifact_events').execute()
    await db.schema.alterTable('artifact_links').renameTo('artifact_events').execute()
    await db.schema
      .createIndex('artifact_events_artifact')
      .on('artifact_events')
      .columns(['artifact', 'type', 'execution', 'path'])
      .execute()
  },
}
