import type { Db } from '../database.ts'

export const migration = {
  name: '0004-pipelines',
  up: async (db: Db): Promise<void> => {
    await createPipelines(db)
    await createMetadata(db)
  },
}

async function createPipelines(db: Db): Promise<void> {
  await db.schema
    .createTable('pipelines')
    .addColumn('name', 'text', (c) => c.primaryKey().notNull())
    .addColumn('digest', 'text', (c) => c.notNull())
    .addColumn('definition', 'text', (c) => c.notNull())
    .addColumn('updated', 'integer', (c) => c.notNull())
    .execute()
  await db.schema
    .createTable('runs')
    .addColumn('id', 'text', (c) => c.primaryKey().notNull())
    // runs in the order in which they were asked for, also within one millisecond
    .addColumn('seq', 'integer', (c) => c.notNull().unique())
    .addColumn('pipeline', 'text', (c) => c.notNull())
    .addColumn('pipeline_digest', 'text', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('trigger', 'text', (c) => c.notNull())
    .addColumn('dedupe_key', 'text', (c) => c.unique())
    .addColumn('params', 'text', (c) => c.notNull())
    .addColumn('seed', 'integer', (c) => c.notNull())
    .addColumn('cancel', 'text')
    .addColumn('created', 'integer', (c) => c.notNull())
    .addColumn('started', 'integer')
    .addColumn('ended', 'integer')
    .addColumn('error', 'text')
    .execute()
  await db.schema.createIndex('runs_state').on('runs').columns(['state', 'seq']).execute()
  await db.schema.createIndex('runs_pipeline').on('runs').columns(['pipeline', 'seq']).execute()
  await db.schema
    .createTable('run_logs')
    .addColumn('run', 'text', (c) => c.notNull().references('runs.id'))
    .addColumn('seq', 'integer', (c) => c.notNull())
    .addColumn('at', 'integer', (c) => c.notNull())
    .addColumn('step', 'text')
    .addColumn('level', 'text', (c) => c.notNull())
    .addColumn('message', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('run_logs_key', ['run', 'seq'])
    .execute()
  await db.schema
    .createTable('triggers')
    .addColumn('pipeline', 'text', (c) => c.notNull().references('pipelines.name'))
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('enabled', 'integer', (c) => c.notNull())
    .addColumn('settings', 'text', (c) => c.notNull())
    .addColumn('since', 'integer', (c) => c.notNull())
    .addColumn('last_fired', 'integer')
    // what has been seen but has not led to a run yet
    .addColumn('pending', 'text')
    .addPrimaryKeyConstraint('triggers_key', ['pipeline', 'kind'])
    .execute()
  await db.schema
    .createTable('trigger_decisions')
    .addColumn('pipeline', 'text', (c) => c.notNull().references('pipelines.name'))
    .addColumn('seq', 'integer', (c) => c.notNull())
    .addColumn('at', 'integer', (c) => c.notNull())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('code', 'text', (c) => c.notNull())
    .addColumn('fired', 'integer', (c) => c.notNull())
    .addColumn('why', 'text', (c) => c.notNull())
    .addColumn('dedupe_key', 'text')
    .addColumn('run', 'text')
    .addPrimaryKeyConstraint('trigger_decisions_key', ['pipeline', 'seq'])
    .execute()
}

/** After MLMD: artifacts, executions, events between them, contexts that group both. A step of a run is an execution. */
async function createMetadata(db: Db): Promise<void> {
  await db.schema
    .createTable('artifacts')
    .addColumn('id', 'text', (c) => c.primaryKey().notNull())
    .addColumn('type', 'text', (c) => c.notNull())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('digest', 'text')
    .addColumn('bytes', 'integer', (c) => c.notNull())
    .addColumn('created', 'integer', (c) => c.notNull())
    .addColumn('properties', 'text', (c) => c.notNull())
    .execute()
  await db.schema.createIndex('artifacts_digest').on('artifacts').column('digest').execute()
  await db.schema
    .createTable('executions')
    .addColumn('id', 'text', (c) => c.primaryKey().notNull())
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
    // the parts of the cache key, to say later what changed
    .addColumn('identity', 'text')
    .addColumn('cache', 'text')
    .addColumn('progress', 'text')
    .addColumn('error', 'text')
    .addUniqueConstraint('executions_step', ['run', 'step'])
    .execute()
  await db.schema.createIndex('executions_cache').on('executions').columns(['cache_key', 'state']).execute()
  await db.schema.createIndex('executions_last').on('executions').columns(['pipeline', 'step', 'ended']).execute()
  await db.schema
    .createTable('artifact_events')
    .addColumn('artifact', 'text', (c) => c.notNull().references('artifacts.id'))
    .addColumn('execution', 'text', (c) => c.notNull().references('executions.id'))
    .addColumn('type', 'text', (c) => c.notNull())
    .addColumn('path', 'text', (c) => c.notNull())
    .addColumn('at', 'integer', (c) => c.notNull())
    .addPrimaryKeyConstraint('artifact_events_key', ['execution', 'type', 'path'])
    .execute()
  await db.schema.createIndex('artifact_events_artifact').on('artifact_events').columns(['artifact', 'type']).execute()
  await db.schema
    .createTable('contexts')
    .addColumn('id', 'text', (c) => c.primaryKey().notNull())
    .addColumn('type', 'text', (c) => c.notNull())
    .addColumn('name', 'text', (c) => c.notNull())
    .addUniqueConstraint('contexts_name', ['type', 'name'])
    .execute()
  await db.schema
    .createTable('attributions')
    .addColumn('context', 'text', (c) => c.notNull().references('contexts.id'))
    .addColumn('artifact', 'text', (c) => c.notNull().references('artifacts.id'))
    .addPrimaryKeyConstraint('attributions_key', ['context', 'artifact'])
    .execute()
  await db.schema
    .createTable('associations')
    .addColumn('context', 'text', (c) => c.notNull().references('contexts.id'))
    .addColumn('execution', 'text', (c) => c.notNull().references('executions.id'))
    .addPrimaryKeyConstraint('associations_key', ['context', 'execution'])
    .execute()
}
