import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Kysely, sql } from 'kysely'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readRows, writeBatch } from '../../../server/storage/statements.ts'
import type { Db } from '../../../server/storage/database.ts'
import { nodeSqliteDialect } from '../../../server/storage/node-sqlite.ts'

let folder: string
let file: string
let db: Db
let executed: string[]
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shoal-batch-'))
  file = join(folder, 'batch.db')
  executed = []
  db = new Kysely<object>({ dialect: nodeSqliteDialect(open) })
  await sql`create table t (n integer primary key check (n < 100))`.execute(db)
})
afterEach(async () => {
  await db.destroy()
  await rm(folder, { recursive: true, force: true })
})

function open(): DatabaseSync {
  const database = new DatabaseSync(file)
  database.exec('pragma journal_mode = wal; pragma synchronous = full')
  const exec = database.exec.bind(database)
  database.exec = (text) => {
    executed.push(text)
    exec(text)
  }
  return database
}

const add = (n: number) => ({ text: 'insert into t values (?)', values: [n] })
const stored = async () =>
  (await readRows<{ n: number }>(db, { text: 'select n from t where n > ? order by n', values: [0] })).map(({ n }) => n)
const synchronous = async () => (await sql<{ synchronous: number }>`pragma synchronous`.execute(db)).rows[0]?.synchronous

test('[REG-34] a batch is there as a whole or not at all', async () => {
  await writeBatch(db, [add(1), add(2)])
  await expect(writeBatch(db, [add(3), add(2), add(4)])).rejects.toThrow(/UNIQUE/)
  await expect(writeBatch(db, [add(5), add(100)], { synced: false })).rejects.toThrow(/CHECK/)
  await writeBatch(db, [])
  expect(await stored()).toEqual([1, 2])
  await writeBatch(db, [add(3)])
  expect(await stored()).toEqual([1, 2, 3])
})

test('[REG-34] batches and transactions come one after the other', async () => {
  const steps = [
    db.transaction().execute(async (tx) => {
      await sql`insert into t values (1)`.execute(tx)
      await sql`update t set n = n + 1`.execute(tx)
    }),
    writeBatch(db, [add(1), { text: 'update t set n = n * 10', values: [] }]),
    db.transaction().execute((tx) => sql`insert into t values (3)`.execute(tx)),
  ]
  await Promise.all(steps)
  expect(await stored()).toEqual([3, 10, 20])
})

test('[REG-34] only a batch that says so is not synced, and none after it, however it ends; it is there for other connections', async () => {
  await writeBatch(db, [add(1)])
  expect(executed).toEqual([])
  await writeBatch(db, [add(2)], { synced: false })
  await writeBatch(db, [add(2)], { synced: false }).catch(() => {})
  const [off, on] = ['pragma synchronous = normal', 'pragma synchronous = full']
  expect(executed).toEqual([off, on, off, on])
  expect(await synchronous()).toBe(2)
  const other = new DatabaseSync(file)
  expect(other.prepare('select count(*) as n from t').get()).toEqual({ n: 2 })
  other.close()
})

test('[REG-34] a batch inside a transaction is a mistake', async () => {
  const inside = db.transaction().execute((tx) => writeBatch(tx, [add(1)]))
  await expect(inside).rejects.toThrow(/transaction of its own/)
  expect(await stored()).toEqual([])
})
