import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDuck, PARQUET_OPTIONS } from '../../../server/datasets/duckdb.ts'
import { sortMemoryMb } from '../../../server/pipeline/data/sort-memory.ts'
import type { SplitMethod } from '../../../server/pipeline/data/split-method.ts'
import { assignSplits, SPLITS, writeSplit } from '../../../server/pipeline/data/write-splits.ts'
import { writeManyRows } from '../../bench/data/many-rows.ts'
import { prepareRows } from '../../bench/data/prepare-rows.ts'

let folder: string
const rowsIn = (rows: number): string => join(folder, `${rows}.parquet`)
const FEW = 20_000
const MANY = 10 * FEW

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shoal-prepare-'))
  for (const rows of [FEW, MANY]) await writeManyRows(rowsIn(rows), rows, folder)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function ownFolder(name: string): Promise<string> {
  const path = join(folder, name)
  await mkdir(path)
  return path
}

/** MiB more for ten times the rows, as sorting takes what it is given while it may: some 80, and 170 where the rows are held. */
const MOST_GROWTH = 125

test('[PIP-187] ten times the rows are prepared in little more memory', async () => {
  const few = await prepareRows(rowsIn(FEW), FEW, await ownFolder('few'))
  const many = await prepareRows(rowsIn(MANY), MANY, await ownFolder('many'))
  expect(many.outputs['train']?.properties['rows']).toBe(0.75 * MANY)
  expect(few.peakMiB).toBeGreaterThan(50)
  expect(many.peakMiB).toBeLessThan(few.peakMiB + MOST_GROWTH)
}, 60_000)

const COLUMNS = ['order_id', 'ordered_at', 'session', 'customer', 'amount', 'returned', 'review']

/** Digests of the three parts, with so much memory for all queries. */
async function digests(memoryMb: number, method: SplitMethod): Promise<string[]> {
  const own = await ownFolder(`${method.by}-${memoryMb}`)
  const path = rowsIn(MANY)
  const duck = await openDuck({ folder: own, files: [path], memoryMb, threads: 1 })
  const query = {
    ...{ path, columns: COLUMNS, label: 'returned', id: 'order_id', split: null },
    ...{ fractions: { validation: 0.1, test: 0.15 }, splitSeed: 1, method },
  }
  try {
    await assignSplits(duck, query)
    const parts: string[] = []
    for (const name of SPLITS) {
      const part = await writeSplit(duck, query, name, { keep: COLUMNS.slice(1), folder: own, regression: false })
      parts.push(
        createHash('sha256')
          .update(await readFile(part.path))
          .digest('hex'),
      )
    }
    return parts
  } finally {
    duck.close()
  }
}

test('[PIP-188] splits are the same to the byte, in memory or mostly in the folder', async () => {
  for (const method of [{ by: 'random' }, { by: 'entity', column: 'customer' }] as const)
    expect(await digests(48, method)).toEqual(await digests(1024, method))
}, 60_000)

test('[PIP-187] rows that are long get twice the memory: numbers in hundreds of columns, long texts, images', async () => {
  const own = await ownFolder('lengths')
  const memory = async (columns: string): Promise<number> => {
    const path = join(own, 'lengths.parquet')
    const duck = await openDuck({ folder: own, files: [path], threads: 1 })
    await duck.run(`COPY (SELECT ${columns} FROM range(1000) t(i)) TO '${path}' ${PARQUET_OPTIONS}`)
    duck.close()
    return sortMemoryMb(path, own)
  }
  expect(await sortMemoryMb(rowsIn(MANY), own)).toBe(512)
  expect(await memory(Array.from({ length: 90 }, (_, c) => `i AS c${c}`).join())).toBe(512)
  expect(await memory(Array.from({ length: 110 }, (_, c) => `i AS c${c}`).join())).toBe(1024)
  expect(await memory(`i AS id, CASE WHEN i % 2 = 0 THEN repeat('é', 1500) END AS text`)).toBe(1024)
  expect(await memory(`i AS id, repeat('x', 784)::BLOB AS image`)).toBe(1024)
  expect(await memory(`i AS id, i::DECIMAL(18, 2) AS price, range(300) AS list`)).toBe(1024)
})

test('[PIP-189] a label of more values than a model tells apart is refused, and told to be a number', async () => {
  const path = rowsIn(MANY)
  const own = await ownFolder('labels')
  const duck = await openDuck({ folder: own, files: [path], threads: 1 })
  const query = {
    ...{ path, columns: COLUMNS, label: 'order_id', id: null, split: null, method: { by: 'random' } as const },
    ...{ fractions: { validation: 0.1, test: 0.15 }, splitSeed: 1 },
  }
  try {
    await assignSplits(duck, query)
    const write = (regression: boolean) => writeSplit(duck, query, 'train', { keep: ['amount'], folder: own, regression })
    await expect(write(false)).rejects.toMatchObject({
      code: 'invalid_input',
      detail: expect.stringMatching(/order_id has more than 100000 values.*regression/),
    })
    expect(await write(true)).toMatchObject({ rows: 0.75 * MANY, labels: { number: 0.75 * MANY } })
  } finally {
    duck.close()
  }
}, 60_000)
