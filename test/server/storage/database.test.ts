import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { sql } from 'kysely'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { manualClock } from '../../../shared/core/clock.ts'
import { checkIntegrity, closeDatabase, type Db, openDatabase } from '../../../server/storage/database.ts'
import { migrate } from '../../../server/storage/migrate.ts'
import { migrations } from '../../../server/storage/migrations.ts'
import { afterCommit, transact } from '../../../server/storage/transact.ts'

const clock = manualClock()
let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shoal-db-'))
  file = join(folder, 'shoal.db')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const pragma = async (db: Db, name: string): Promise<unknown> =>
  Object.values((await sql`pragma ${sql.raw(name)}`.execute(db)).rows[0] as object)[0]
const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (thrown: { code?: string }) => String(thrown.code),
  )

test('[REG-1] the database syncs every commit and keeps its own rules', async () => {
  const db = await openDatabase({ file, clock })
  const settings = ['journal_mode', 'synchronous', 'foreign_keys', 'trusted_schema', 'cell_size_check', 'application_id', 'user_version']
  const values = []
  for (const name of settings) values.push(await pragma(db, name))
  // synchronous 2 = FULL
  expect(values).toEqual(['wal', 2, 1, 0, 1, 0x53686f61, migrations.length])
  expect(await checkIntegrity(db)).toEqual([])
  await closeDatabase(db)
})

test('[REG-1] the database of another program is left alone', async () => {
  const other = new DatabaseSync(file)
  other.exec('create table theirs (x)')
  other.close()
  expect(await codeOf(openDatabase({ file, clock }))).toBe('incompatible_data')
  expect(new DatabaseSync(file).prepare('select count(*) as n from theirs').get()).toEqual({ n: 0 })
})

test('[REG-1] a file that is no database, or a damaged one, is refused by name', async () => {
  await writeFile(file, 'not a database at all, but long enough to be one with a header of a hundred bytes or so, padding padding')
  expect(await codeOf(openDatabase({ file, clock }))).toBe('damaged_data')
  await rm(file)
  const db = await openDatabase({ file, clock })
  await closeDatabase(db)
  // pages that hold nothing cannot be damaged
  const packed = new DatabaseSync(file)
  packed.exec('vacuum')
  packed.close()
  const whole = await readFile(file)
  const damaged = join(folder, 'damaged.db')
  let found = 0
  // every page after the first, overwritten with what no b-tree page begins with
  for (let page = 1; page < whole.length / 4096; page += 7) {
    await copyFile(file, damaged)
    const bytes = Buffer.from(whole)
    bytes.fill(0xee, page * 4096, page * 4096 + 64)
    await writeFile(damaged, bytes)
    const code = await codeOf(openDatabase({ file: damaged, clock }))
    expect(code).toBe('damaged_data')
    found++
  }
  expect(found).toBeGreaterThan(3)
})

test('[REG-2] migrations run once, in order, and are recorded', async () => {
  const first = await openDatabase({ file, clock })
  await closeDatabase(first)
  const again = await openDatabase({ file, clock })
  expect(await migrate(again, migrations, clock)).toEqual([])
  const { rows } = await sql<{ name: string }>`select name from migrations order by name`.execute(again)
  expect(rows.map((row) => row.name)).toEqual(migrations.map((migration) => migration.name))
  expect(rows.map((row) => row.name)).toEqual(rows.map((row) => row.name).sort())
  await closeDatabase(again)
})

test('[REG-2] a migration that fails leaves no trace, and runs at the next start', async () => {
  const db = await openDatabase({ file, clock })
  const name = '9999-test'
  const half = {
    name,
    up: async (tx: Db) => {
      await sql`create table half (x)`.execute(tx)
      throw new Error('out of luck')
    },
  }
  await expect(migrate(db, [...migrations, half], clock)).rejects.toThrow('out of luck')
  expect((await sql`select name from sqlite_schema where name = 'half'`.execute(db)).rows).toEqual([])
  expect(await pragma(db, 'user_version')).toBe(migrations.length)
  const whole = { name, up: async (tx: Db) => void (await sql`create table half (x)`.execute(tx)) }
  expect(await migrate(db, [...migrations, whole], clock)).toEqual([name])
  await closeDatabase(db)
  // and a program that does not know it keeps its hands off
  expect(await codeOf(openDatabase({ file, clock }))).toBe('incompatible_data')
})

test('[REG-3] transactions come one after the other, whole or not at all', async () => {
  const db = await openDatabase({ file: ':memory:', clock })
  await sql`create table counter (n integer not null)`.execute(db)
  await sql`insert into counter values (0)`.execute(db)
  const read = async (at: Db) => (await sql<{ n: number }>`select n from counter`.execute(at)).rows[0]?.n ?? -1
  const add = (fails: boolean) =>
    transact(db, async (tx) => {
      const n = await read(tx)
      for (let i = 0; i < 5; i++) await Promise.resolve()
      await sql`update counter set n = ${n + 1}`.execute(tx)
      if (fails) throw new Error('undo')
    })
  const outcomes = await Promise.allSettled(Array.from({ length: 50 }, (_, i) => add(i % 5 === 0)))
  expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(40)
  expect(await read(db)).toBe(40)
  await closeDatabase(db)
})

test('[REG-3] what was to happen after the commit happens after it, in order, or not at all', async () => {
  const db = await openDatabase({ file: ':memory:', clock })
  const told: string[] = []
  await transact(db, async (tx) => {
    afterCommit(tx, () => told.push('one'))
    afterCommit(tx, () => told.push('two'))
    expect(told).toEqual([])
  })
  await expect(
    transact(db, async (tx) => {
      afterCommit(tx, () => told.push('never'))
      throw new Error('no')
    }),
  ).rejects.toThrow('no')
  expect(told).toEqual(['one', 'two'])
  await closeDatabase(db)
})

test('[REG-6] a full disk is storage_full, leaves nothing half done, and is over when there is room', async () => {
  const db = await openDatabase({ file, clock })
  await sql`create table filler (x text)`.execute(db)
  await sql`pragma max_page_count = ${sql.raw(String(Number(await pragma(db, 'page_count')) + 3))}`.execute(db)
  const fill = () =>
    transact(db, async (tx) => {
      for (let i = 0; i < 50; i++) await sql`insert into filler values (${'x'.repeat(2000)})`.execute(tx)
    })
  expect(await codeOf(fill())).toBe('storage_full')
  expect((await sql`select * from filler`.execute(db)).rows).toEqual([])
  await sql`pragma max_page_count = 1000000`.execute(db)
  expect(await codeOf(fill())).toBe('done')
  expect(await checkIntegrity(db)).toEqual([])
  await closeDatabase(db)
})
