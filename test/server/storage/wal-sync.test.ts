import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Kysely, sql } from 'kysely'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { durable, writeBatch } from '../../../server/storage/statements.ts'
import type { Db } from '../../../server/storage/database.ts'
import { nodeSqliteDialect } from '../../../server/storage/node-sqlite.ts'

let folder: string
let db: Db
let syncs: PromiseWithResolvers<void>[]
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shoal-sync-'))
  syncs = []
  const open = () => {
    const database = new DatabaseSync(join(folder, 'sync.db'))
    database.exec('pragma journal_mode = wal; pragma synchronous = full')
    return database
  }
  const sync = () => {
    syncs.push(Promise.withResolvers<void>())
    return syncs.at(-1)?.promise ?? Promise.resolve()
  }
  db = new Kysely<object>({ dialect: nodeSqliteDialect(open, sync) })
  await sql`create table t (n integer primary key)`.execute(db)
})
afterEach(async () => {
  await db.destroy()
  await rm(folder, { recursive: true, force: true })
})

const add = (n: number) => ({ text: 'insert into t values (?)', values: [n] })
const begun = async (count: number) => {
  while (syncs.length < count) await new Promise((resolve) => setImmediate(resolve))
}

test('[REG-35] what was committed without a sync is durable after one, which holds up no query; what was synced needs none', async () => {
  await writeBatch(db, [add(1)])
  await durable(db)
  expect(syncs).toHaveLength(0)
  await writeBatch(db, [add(2)], { synced: false })
  let done = false
  const first = durable(db).then(() => {
    done = true
  })
  const second = durable(db)
  await begun(1)
  await sql`insert into t values (3)`.execute(db)
  expect(done).toBe(false)
  syncs[0]?.resolve()
  await Promise.all([first, second])
  expect(syncs).toHaveLength(1)
})

test('[REG-35] a sync does not speak for what was committed after it began', async () => {
  await writeBatch(db, [add(1)], { synced: false })
  const first = durable(db)
  await begun(1)
  await writeBatch(db, [add(2)], { synced: false })
  const second = durable(db)
  await begun(2)
  syncs[0]?.resolve()
  await first
  syncs[1]?.resolve()
  await second
  // SQLite's own sync of a later commit speaks for all before
  await writeBatch(db, [add(3)], { synced: false })
  await writeBatch(db, [add(4)])
  await durable(db)
  expect(syncs).toHaveLength(2)
})

test('[REG-35] a sync that failed is unavailable, and so is the database until all of the log is in it', async () => {
  await writeBatch(db, [add(1)], { synced: false })
  const failing = durable(db)
  await begun(1)
  syncs[0]?.reject(new Error('EIO'))
  await expect(failing).rejects.toMatchObject({ code: 'unavailable' })
  // the log cannot be brought into the database while somebody reads it from before
  const reader = new DatabaseSync(join(folder, 'sync.db'))
  reader.exec('begin; select count(*) from t')
  await expect(writeBatch(db, [add(2)])).rejects.toMatchObject({ code: 'unavailable' })
  await expect(db.transaction().execute((tx) => sql`insert into t values (2)`.execute(tx))).rejects.toMatchObject({ code: 'unavailable' })
  await expect(durable(db)).rejects.toMatchObject({ code: 'unavailable' })
  reader.close()
  await durable(db)
  await writeBatch(db, [add(2)])
  expect(syncs).toHaveLength(1)
  await writeBatch(db, [add(3)], { synced: false })
  const again = durable(db)
  await begun(2)
  syncs[1]?.resolve()
  await again
})
