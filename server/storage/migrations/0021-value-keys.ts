import { sql } from 'kysely'
import type { Db } from '../database.ts'

/**
 * What runs measured stands in the order of its keys: a batch is appended in one place and written once, where a table with its key beside it writes each point twice, and
 * the values of a run are read in one go. (`without rowid` is SQLite's word for it; on PostgreSQL the tables stay as they are.)
 */
export const migration = {
  name: '0021-value-keys',
  up: async (db: Db): Promise<void> => {
    await sql`create table metric_points_by_key (run integer not null, name integer not null, step integer not null, at integer not null, value double precision,
      primary key (run, name, step, at)) without rowid`.execute(db)
    await sql`insert into metric_points_by_key select run, name, step, at, value from metric_points order by run, name, step, at`.execute(
      db,
    )
    await sql`create table run_metrics_by_key (run integer not null, name integer not null, value double precision, step integer not null, at integer not null,
      origin integer not null, maker text, primary key (run, name)) without rowid`.execute(db)
    await sql`insert into run_metrics_by_key select run, name, value, step, at, origin, maker from run_metrics order by run, name`.execute(
      db,
    )
    for (const table of ['metric_points', 'run_metrics']) {
      await db.schema.dropTable(table).execute()
      await db.schema.alterTable(`${table}_by_key`).renameTo(table).execute()
    }
    await db.schema.createIndex('run_metrics_value').on('run_metrics').columns(['name', 'value', 'run']).execute()
  },
}
