import { sql } from 'kysely'
import type { Db } from '../database.ts'

/**
 * What went into an execution and what came out of it stands in its row, one text each (path to artifacts.seq), in place of a row for each event: lineage reads it along with
 * the execution. What SQLite cannot look up in a text, who took an artifact, is a table that holds nothing else. `record` is all that lineage reads of a row, as one JSON text that
 * the database puts together when the row is written. The tables are made anew, as such a column cannot be added to one; it comes before texts of any length, which would be read on
 * the way to it.
 */
export const migration = {
  name: '0028-links',
  up: async (db: Db): Promise<void> => {
    await db.schema.dropView('attributions').execute()
    for (const table of ['artifact_events', 'artifacts', 'executions']) {
      await sql`create table ${sql.table(`${table}_before`)} as select * from ${sql.table(table)}`.execute(db)
      await db.schema.dropTable(table).execute()
    }
    await sql`create table executions (
      seq integer not null primary key,
      id text not null unique,
      run text not null references runs (id),
      step text not null,
      component text not null,
      state text not null,
      inputs text not null default '{}',
      outputs text not null default '{}',
      record text not null generated always as ('[' || inputs || ',' || outputs || ',' || substr(json_array(seq, id, run, step, component, state), 2)) stored,
      pipeline text not null,
      position integer not null,
      component_version text not null,
      "after" text not null,
      attempts integer not null,
      params text not null,
      started integer,
      ended integer,
      cache_key text,
      identity text,
      cache text,
      progress text,
      error text,
      constraint executions_step unique (run, step))`.execute(db)
    const kept =
      sql.raw(`seq, id, run, pipeline, step, position, component, component_version, "after", state, attempts, params, started, ended, cache_key,
      identity, cache, progress, error`)
    await sql`insert into executions (${kept}, inputs, outputs)
      select ${kept}, coalesce(inputs, '{}'), coalesce(outputs, '{}')
      from executions_before left join (
        select execution, json_group_object(path, artifact) filter (where type = 'input') as inputs,
          json_group_object(path, artifact) filter (where type = 'output') as outputs
        from artifact_events_before group by execution) on execution = seq
      order by seq`.execute(db)
    await sql`create table artifacts (
      seq integer not null primary key,
      id text not null unique,
      type text not null,
      name text not null,
      digest text,
      bytes integer not null,
      created integer not null,
      made_by integer references executions (seq),
      made_as text,
      record text not null generated always as ('[' || properties || ',' || substr(json_array(seq, id, type, name, digest, bytes, created, made_by, made_as), 2)) stored,
      properties text not null)`.execute(db)
    await sql`insert into artifacts (seq, id, type, name, digest, bytes, created, made_by, made_as, properties)
      select seq, id, type, name, digest, bytes, created, made_by, made_as, properties from artifacts_before order by seq`.execute(db)
    await sql`create table artifact_uses (artifact integer not null references artifacts (seq), execution integer not null references executions (seq),
      primary key (artifact, execution)) without rowid`.execute(db)
    await sql`insert into artifact_uses (artifact, execution)
      select distinct artifact, execution from artifact_events_before where type = 'input' order by artifact, execution`.execute(db)
    for (const table of ['artifact_events', 'artifacts', 'executions']) await db.schema.dropTable(`${table}_before`).execute()
    for (const [index, table, columns] of [
      ['executions_cache', 'executions', ['cache_key', 'state']],
      ['executions_last', 'executions', ['pipeline', 'step', 'ended']],
      ['artifacts_digest', 'artifacts', ['digest']],
    ] as const)
      await db.schema
        .createIndex(index)
        .on(table)
        .columns([...columns])
        .execute()
    await sql`
      create view attributions as
        select s.context, a.id as artifact
        from executions e
          join json_each(e.outputs) v
          join associations s on s.execution = e.id
          join artifacts a on a.seq = v.value`.execute(db)
  },
}
