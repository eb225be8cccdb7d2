import { sql } from 'kysely'
import type { Db } from '../database.ts'

/**
 * Artifacts and executions have numbers, and what hangs them together holds those instead of their ids: a lineage of ten thousand artifacts reads and compares half as many
 * bytes. The tables are made anew under their names, as others refer to their ids: those find their rows again before the transaction ends.
 */
export const migration = {
  name: '0022-lineage-numbers',
  up: async (db: Db): Promise<void> => {
    await sql`pragma defer_foreign_keys = on`.execute(db)
    for (const table of ['artifact_events', 'artifacts', 'executions']) {
      await sql`create table ${sql.table(`${table}_before`)} as select * from ${sql.table(table)}`.execute(db)
      await db.schema.dropTable(table).execute()
    }
    await db.schema
      .createTable('executions')
      .addColumn('seq', 'integer', (c) => c.primaryKey().notNull())
      .addColumn('id', 'text', (c) => c.notNull().unique())
      .addColumn('run', 'text', (c) => c.notNull().references('runs.id'))
      .addColumn('pipeline', 'text', (c) => c.notNull())
      .addColumn('step', 'text', (c) => c.notNull())
      .addColumn('position', 'integer', (c) => c.notNull())
      .addColumn('component', 'text', (c) => c.notNull())
      .addColumn('component_version', 'text', (c) => c.notNull())
      .addColumn('after', 'text', (c) => c.notNull())
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('attempts', 'integer', (c) => c.notNull())
      .addColumn('params', 'text', (c) => c.notNull())
      .addColumn('started', 'integer')
      .addColumn('ended', 'integer')
      .addColumn('cache_key', 'text')
      .addColumn('identity', 'text')
      .addColumn('cache', 'text')
      .addColumn('progress', 'text')
      .addColumn('error', 'text')
      .addUniqueConstraint('executions_step', ['run', 'step'])
      .execute()
    await sql`insert into executions (id, run, pipeline, step, position, component, component_version, "after", state, attempts, params, started, ended, cache_key,
        identity, cache, progress, error)
      select id, run, pipeline, step, position, component, component_version, "after", state, attempts, params, started, ended, cache_key,
        identity, cache, progress, error from executions_before order by run, position`.execute(db)
    await db.schema
      .createTable('artifacts')
      .addColumn('seq', 'integer', (c) => c.primaryKey().notNull())
      .addColumn('id', 'text', (c) => c.notNull().unique())
      .addColumn('type', 'text', (c) => c.notNull())
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('digest', 'text')
      .addColumn('bytes', 'integer', (c) => c.notNull())
      .addColumn('created', 'integer', (c) => c.notNull())
      .addColumn('properties', 'text', (c) => c.notNull())
      .addColumn('made_by', 'integer', (c) => c.references('executions.seq'))
      .addColumn('made_as', 'text')
      .execute()
    await sql`insert into artifacts (id, type, name, digest, bytes, created, properties, made_by, made_as)
      select a.id, a.type, a.name, a.digest, a.bytes, a.created, a.properties, e.seq, a.made_as
      from artifacts_before a left join executions e on e.id = a.made_by order by a.created, a.id`.execute(db)
    await sql`create table artifact_events (artifact integer not null references artifacts (seq), execution integer not null references executions (seq),
      type text not null, path text not null, at integer not null, primary key (execution, type, path, artifact)) without rowid`.execute(db)
    await sql`insert into artifact_events (artifact, execution, type, path, at)
      select a.seq, e.seq, v.type, v.path, v.at from artifact_events_before v join artifacts a on a.id = v.artifact join executions e on e.id = v.execution
      order by e.seq, v.type, v.path, a.seq`.execute(db)
    for (const table of ['artifact_events', 'artifacts', 'executions']) await db.schema.dropTable(`${table}_before`).execute()
    for (const [index, table, columns] of [
      ['executions_cache', 'executions', ['cache_key', 'state']],
      ['executions_last', 'executions', ['pipeline', 'step', 'ended']],
      ['artifacts_digest', 'artifacts', ['digest']],
      ['artifact_events_artifact', 'artifact_events', ['artifact', 'type', 'execution', 'path']],
    ] as const)
      await db.schema
        .createIndex(index)
        .on(table)
        .columns([...columns])
        .execute()
  },
}
