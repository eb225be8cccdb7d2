import { Kysely, sql } from 'kysely'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { manualClock } from '../../../shared/core/clock.ts'
import { runValuesStore } from '../../../server/metadata/run-values-store.ts'
import { type Db, checkIntegrity } from '../../../server/storage/database.ts'
import { insertRows } from '../../../server/storage/insert-rows.ts'
import { migrate } from '../../../server/storage/migrate.ts'
import { migrations } from '../../../server/storage/migrations.ts'
import { nodeSqliteDialect } from '../../../server/storage/node-sqlite.ts'

const clock = manualClock()
let db: Db
beforeEach(() => {
  db = new Kysely<object>({ dialect: nodeSqliteDialect(() => new DatabaseSync(':memory:')) })
})
afterEach(() => db.destroy())

test('[REG-2] what runs measured before their tables changed is there after it, to the last value', async () => {
  await migrate(
    db,
    migrations.filter(({ name }) => name < '0021'),
    clock,
  )
  const points = await rowsOf(`select 1 + i / 600 as run, 1 + i % 3 as name, (i * 7919) % 600 - 300 as step, i % 5 as at,
    case i % 11 when 0 then null when 1 then 9e999 else 1.0 / (1 + i) end as value from n`)
  const latest =
    await rowsOf(`select 1 + i / 3 as run, 1 + i % 3 as name, case i % 7 when 0 then null else i / 3.0 end as value, i as step, i as at,
    1 + i / 6 as origin, case i % 2 when 0 then 'train' end as maker from n`)
  await insertRows(db, { into: 'metric_points', ...points, onConflict: 'on conflict do nothing' })
  await insertRows(db, { into: 'run_metrics', ...latest })
  const before = await both()
  expect(before.map(({ length }) => length)).toEqual([1200, 1200])

  expect(await migrate(db, migrations, clock)).toContain('0021-value-keys')
  expect(await both()).toEqual(before)
  expect(await checkIntegrity(db)).toEqual([])
  // and they take what comes next as before: a later value wins, an earlier one is only remembered
  const store = runValuesStore(db)
  await store.addPoints(1, [{ name: 1, step: 5000, at: 0, value: 8 }])
  await store.setLatest(1, [{ name: 1, step: 5000, at: 0, value: 8 }], null)
  await store.setLatest(1, [{ name: 1, step: 4000, at: 0, value: 9 }], null)
  expect((await store.latest([1])).find(({ name }) => name === 1)?.value).toBe(8)
  expect((await store.history(1, 1, { limit: 1, after: { step: 4999, at: 0 } }))[0]?.value).toBe(8)

  async function rowsOf(select: string) {
    const { rows } = await sql<
      Record<string, number | string | null>
    >`with recursive n(i) as (select 0 union all select i + 1 from n where i < 1199)
      ${sql.raw(select)}`.execute(db)
    return { columns: Object.keys(rows[0] ?? {}), rows: rows.map((row) => Object.values(row)) }
  }
  async function both() {
    const tables = ['metric_points order by run, name, step, at', 'run_metrics order by run, name']
    return Promise.all(tables.map(async (table) => (await sql`select * from ${sql.raw(table)}`.execute(db)).rows))
  }
})

test('[MET-21] any number of rows goes in, in their order, the last of a key staying', async () => {
  await sql`create table pairs (k integer primary key, v text, n integer)`.execute(db)
  for (const count of [0, 1, 9, 10, 11, 999, 1000, 2345]) {
    await sql`delete from pairs`.execute(db)
    const rows = Array.from({ length: count }, (_, i) => [Math.floor(i / 2), i % 3 === 0 ? null : `'${i}`, i])
    await insertRows(db, {
      into: 'pairs',
      columns: ['k', 'v', 'n'],
      rows,
      onConflict: 'on conflict (k) do update set v = excluded.v, n = excluded.n',
    })
    const stored = await sql<{ k: number; v: string | null; n: number }>`select * from pairs order by k`.execute(db)
    const expected = new Map(rows.map((row) => [row[0], row]))
    expect(stored.rows.map(({ k, v, n }) => [k, v, n])).toEqual([...expected.values()])
  }
})
