import { sql } from 'kysely'
import type { Db } from '../database.ts'

/** Contexts say nothing that executions and events do not: they are read from these, and cost a step's end no writes. */
export const migration = {
  name: '0027-context-views',
  up: async (db: Db): Promise<void> => {
    for (const table of ['attributions', 'associations', 'contexts']) await db.schema.dropTable(table).execute()
    await sql`
      create view contexts as
        select 'run:' || id as id, 'run' as type, id as name from runs
        union all select distinct 'pipeline:' || pipeline, 'pipeline', pipeline from runs`.execute(db)
    await sql`
      create view associations as
        select 'run:' || run as context, id as execution from executions
        union all select 'pipeline:' || pipeline, id from executions`.execute(db)
    await sql`
      create view attributions as
        select s.context, a.id as artifact
        from artifact_events v
          join executions e on e.seq = v.execution
          join associations s on s.execution = e.id
          join artifacts a on a.seq = v.artifact
        where v.type = 'output'`.execute(db)
  },
}
