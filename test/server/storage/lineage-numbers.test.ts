import { DatabaseSync } from 'node:sqlite'
import { Kysely, sql } from 'kysely'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { manualClock } from '../../../shared/core/clock.ts'
import type { ArtifactId } from '../../../shared/core/ids.ts'
import { lineageOf } from '../../../server/metadata/lineage.ts'
import { lineageStore } from '../../../server/metadata/lineage-store.ts'
import { metadataStore } from '../../../server/metadata/metadata-store.ts'
import { checkIntegrity, type Db } from '../../../server/storage/database.ts'
import { insertRows } from '../../../server/storage/insert-rows.ts'
import { migrate } from '../../../server/storage/migrate.ts'
import { migrations } from '../../../server/storage/migrations.ts'
import { nodeSqliteDialect } from '../../../server/storage/node-sqlite.ts'

const clock = manualClock()
let db: Db
beforeEach(() => {
  const open = () => {
    const database = new DatabaseSync(':memory:')
    database.exec('pragma foreign_keys = on')
    return database
  }
  db = new Kysely<object>({ dialect: nodeSqliteDialect(open) })
})
afterEach(() => db.destroy())

const rows = async (query: string) => (await sql<Record<string, unknown>>`${sql.raw(query)}`.execute(db)).rows

/** A chain of steps in each of three runs; the second takes its first step from the cache of the first. Ids sort otherwise than they came. */
async function storeOldRuns(): Promise<void> {
  const put = (into: string, columns: string, values: (string | number | null)[][]) =>
    insertRows(db, { into, columns: columns.split(' '), rows: values })
  const [runs, steps] = [
    ['run_c', 'run_a', 'run_b'],
    ['x', 'y', 'z'],
  ]
  await put(
    'runs',
    'id seq pipeline pipeline_digest state "trigger" params seed created',
    runs.map((run, i) => [run, i + 1, 'p', '', 'succeeded', '{}', '{}', 1, i]),
  )
  for (const [r, run] of runs.entries()) {
    const cached = (s: number): boolean => r === 1 && s === 0
    const made = (s: number): string => (cached(s) ? 'artifact_x_run_c' : `artifact_${steps[s]}_${run}`)
    for (const [s, step] of steps.entries()) {
      const execution = `step_${step}_${run}`
      const shared = [
        run,
        'p',
        step,
        s,
        'add',
        '1',
        '[]',
        cached(s) ? 'cached' : 'succeeded',
        1,
        `{"r":${r}}`,
        s,
        s + 1,
        `key ${s}`,
        '{}',
        null,
        null,
        null,
      ]
      await put(
        'executions',
        'id run pipeline step position component component_version "after" state attempts params started ended cache_key identity cache progress error',
        [[execution, ...shared]],
      )
      if (!cached(s))
        await put('artifacts', 'id type name digest bytes created properties made_by made_as', [
          [made(s), 'metrics', step, `digest ${s}`, 7, 10 * r + s, `{"s":${s}}`, execution, 'out'],
        ])
      await put('artifact_events', 'artifact execution type path at', [[made(s), execution, 'output', 'out', s]])
      if (s > 0) await put('artifact_events', 'artifact execution type path at', [[made(s - 1), execution, 'input', 'in', s]])
      await put('contexts', 'id type name', [[`c ${execution}`, 'run', execution]])
      await put('associations', 'context execution', [[`c ${execution}`, execution]])
      await put('attributions', 'context artifact', [[`c ${execution}`, made(s)]])
    }
  }
  // one from before makers were recorded
  await put('artifacts', 'id type name digest bytes created properties made_by made_as', [
    ['artifact_old', 'split', 'old', null, 0, 99, '{}', null, null],
  ])
}

test('[REG-2] what hung together before artifacts and executions had numbers does so after it', async () => {
  await migrate(
    db,
    migrations.filter(({ name }) => name < '0022'),
    clock,
  )
  await storeOldRuns()
  const all = (events: string) =>
    Promise.all(
      [
        'select id, run, pipeline, step, position, component, component_version, "after", state, attempts, params, started, ended, cache_key, identity, cache, progress, error from executions order by id',
        'select a.id, a.type, a.name, a.digest, a.bytes, a.created, a.properties, a.made_as from artifacts a order by a.id',
        events,
        'select * from associations order by execution',
        'select * from attributions order by context, artifact',
      ].map(rows),
    )
  const before = await all('select artifact, execution, type, path, at from artifact_events order by execution, type')
  expect(before.map(({ length }) => length)).toEqual([9, 9, 15, 9, 9])
  const makers = await rows('select id, made_by from artifacts order by id')

  const until = migrations.filter(({ name }) => name < '0027')
  expect(await migrate(db, until, clock)).toContain('0022-lineage-numbers')
  const now = `select a.id as artifact, e.id as execution, v.type, v.path, v.at from artifact_events v join artifacts a on a.seq = v.artifact
    join executions e on e.seq = v.execution order by e.id, v.type`
  expect(await all(now)).toEqual(before)
  expect(await rows('select a.id, e.id as made_by from artifacts a left join executions e on e.seq = a.made_by order by a.id')).toEqual(
    makers,
  )
  expect(await checkIntegrity(db)).toEqual([])

  // the tables refer to each other as before: nothing may hang on what is not there
  await expect(rows("insert into attributions values ('c step_x_run_a', 'artifact_none')")).rejects.toThrow(/FOREIGN KEY/)
  await expect(rows("insert into artifact_events values (1, 999, 'input', 'in', 0)")).rejects.toThrow(/FOREIGN KEY/)
})

test('[REG-2] what hung together by rows does so by what stands in the rows of executions', async () => {
  await migrate(
    db,
    migrations.filter(({ name }) => name < '0022'),
    clock,
  )
  await storeOldRuns()
  await migrate(
    db,
    migrations.filter(({ name }) => name < '0028'),
    clock,
  )
  // an execution that has not ended: nothing hangs on it yet
  await rows(`insert into executions (id, run, pipeline, step, position, component, component_version, "after", state, attempts, params)
    values ('step_new', 'run_b', 'p', 'new', 9, 'add', '1', '[]', 'running', 1, '{}')`)
  const all = (events: string) =>
    Promise.all(
      [
        'select seq, id, run, pipeline, step, position, component, component_version, "after", state, attempts, params, started, ended, cache_key, identity, cache, progress, error from executions order by seq',
        'select seq, id, type, name, digest, bytes, created, properties, made_by, made_as from artifacts order by seq',
        events,
        'select * from attributions order by context, artifact',
      ].map(rows),
    )
  const before = await all('select execution, type, path, artifact from artifact_events order by execution, type, path')
  expect(before.map(({ length }) => length)).toEqual([10, 9, 15, 18])
  expect(await migrate(db, migrations, clock)).toContain('0028-links')
  const links = (type: string) =>
    `select x.seq as execution, '${type}' as type, v.key as path, v.value as artifact from executions x, json_each(x.${type}s) v`
  expect(await all(`${links('input')} union all ${links('output')} order by execution, type, path`)).toEqual(before)
  expect(await rows('select artifact, execution from artifact_uses order by execution, artifact')).toEqual(
    before[2]?.filter(({ type }) => type === 'input').map(({ artifact, execution }) => ({ artifact, execution })),
  )
  expect(await rows("select inputs, outputs from executions where id = 'step_new'")).toEqual([{ inputs: '{}', outputs: '{}' }])
  expect(await checkIntegrity(db)).toEqual([])
  const indexes = (await rows("select name from sqlite_schema where type = 'index' and sql is not null")).map(({ name }) => name)
  expect(indexes).toEqual(expect.arrayContaining(['executions_cache', 'executions_last', 'artifacts_digest']))

  const up = await lineageOf(lineageStore(db), 'artifact_z_run_a' as ArtifactId, 'up')
  expect(up?.artifacts.map(({ id, run, step }) => [id, run, step])).toEqual([
    ['artifact_z_run_a', 'run_a', 'z'],
    ['artifact_y_run_a', 'run_a', 'y'],
    ['artifact_x_run_c', 'run_c', 'x'],
  ])
  const down = await lineageOf(lineageStore(db), 'artifact_x_run_c' as ArtifactId, 'down')
  expect(new Set(down?.artifacts.map(({ id }) => id))).toEqual(
    new Set(['artifact_x_run_c', 'artifact_y_run_c', 'artifact_z_run_c', 'artifact_y_run_a', 'artifact_z_run_a']),
  )
  const attached = await metadataStore(db).attached(['step_x_run_a', 'step_y_run_b'], 'output')
  expect(attached.map(({ execution, artifact }) => [execution, artifact.id, artifact.run])).toEqual([
    ['step_x_run_a', 'artifact_x_run_c', 'run_c'],
    ['step_y_run_b', 'artifact_y_run_b', 'run_b'],
  ])
  expect((await lineageOf(lineageStore(db), 'artifact_old' as ArtifactId, 'up'))?.artifacts.map(({ run, step }) => [run, step])).toEqual([
    [null, null],
  ])
  // the tables refer to each other as before: nothing may hang on what is not there
  await expect(rows('insert into artifact_uses values (999, 1)')).rejects.toThrow(/FOREIGN KEY/)
  await expect(rows('insert into artifact_uses values (1, 999)')).rejects.toThrow(/FOREIGN KEY/)
  await expect(rows('update artifacts set made_by = 999 where seq = 1')).rejects.toThrow(/FOREIGN KEY/)
  await expect(rows("update executions set run = 'none' where seq = 1")).rejects.toThrow(/FOREIGN KEY/)
  await expect(rows('update executions set step = (select step from executions where seq = 2) where seq = 1')).rejects.toThrow(/UNIQUE/)
})

test('[MET-12] contexts are read from what runs and executions say', async () => {
  await migrate(
    db,
    migrations.filter(({ name }) => name < '0022'),
    clock,
  )
  await storeOldRuns()
  await migrate(db, migrations, clock)
  const contexts = await rows('select * from contexts order by id')
  expect(contexts).toEqual([
    { id: 'pipeline:p', type: 'pipeline', name: 'p' },
    ...['run_a', 'run_b', 'run_c'].map((run) => ({ id: `run:${run}`, type: 'run', name: run })),
  ])
  expect((await rows("select execution from associations where context = 'run:run_b' order by execution")).map(Object.values)).toEqual([
    ['step_x_run_b'],
    ['step_y_run_b'],
    ['step_z_run_b'],
  ])
  // what came out of a run, made in it or taken from another one
  expect((await rows("select artifact from attributions where context = 'run:run_a' order by artifact")).map(Object.values)).toEqual([
    ['artifact_x_run_c'],
    ['artifact_y_run_a'],
    ['artifact_z_run_a'],
  ])
  expect((await rows("select distinct artifact from attributions where context = 'pipeline:p'")).length).toBe(
    (await rows('select distinct v.value from executions x, json_each(x.outputs) v')).length,
  )
  expect(await checkIntegrity(db)).toEqual([])
})
