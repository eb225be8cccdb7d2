import { join } from 'node:path'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { seededRandom } from '../../../shared/core/random.ts'
import { literal, openDuck } from '../../../server/datasets/duckdb.ts'
import { PARQUET_OPTIONS } from '../../../server/datasets/span-files.ts'
import { sampleRows } from '../../../server/pipeline/data/sampling.ts'
import type { SplitExamples } from '../../../server/pipeline/data/split-examples.ts'
import { splitSql } from '../../../server/pipeline/data/split-sql.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shoal-split-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const fractions = { validation: 0.1, test: 0.2 }

/** Splits the rows of a query: id to split. */
async function splits(query: string, options: { splitSeed?: number } = {}): Promise<Map<string, string>> {
  const path = join(folder, 'rows.parquet')
  const duck = await openDuck({ folder })
  try {
    await duck.run(`COPY (${query}) TO ${literal(path)} ${PARQUET_OPTIONS}`)
    const described = await duck.rows(`SELECT column_name AS name FROM (DESCRIBE SELECT * FROM read_parquet(${literal(path)}))`)
    const columns = described.map((column) => String(column['name']))
    await duck.run(
      splitSql({ path, columns, label: 'label', id: 'id', split: 'split', fractions, splitSeed: options.splitSeed ?? 1, keep: ['x'] }),
    )
    const rows = await duck.rows('SELECT id, assigned FROM prepared')
    const found = new Map(rows.map((row) => [String(row['id']), String(row['assigned'])]))
    expect(found.size).toBe(rows.length)
    return found
  } finally {
    duck.close()
  }
}
const tally = (found: Map<string, string>) => Object.groupBy([...found.values()], (name) => name)
const counts = (found: Map<string, string>) => Object.fromEntries(Object.entries(tally(found)).map(([name, all]) => [name, all?.length]))
const rows = (from: number, to: number, span = 1) =>
  `SELECT 'row-' || i AS id, i % 3 AS label, i AS x, ${span} AS _span FROM range(${from}, ${to}) t(i)`

describe('splits', () => {
  test('[PIP-41] are exact and disjoint, and the same for the same seed', async () => {
    const found = await splits(rows(0, 1000))
    expect(counts(found)).toEqual({ test: 200, validation: 100, train: 700 })
    expect(await splits(rows(0, 1000))).toEqual(found)
    const other = await splits(rows(0, 1000), { splitSeed: 2 })
    expect(counts(other)).toEqual(counts(found))
    expect(other).not.toEqual(found)
  })

  test('[PIP-42] keep each row where it is when new data comes', async () => {
    const before = await splits(rows(0, 500))
    const after = await splits(`${rows(0, 500)} UNION ALL ${rows(500, 800, 2)}`)
    for (const [id, name] of before) expect(after.get(id)).toBe(name)
    expect(counts(after)).toEqual({ test: 160, validation: 80, train: 560 })
  })

  test('[PIP-43] heed what the author of the data has decided', async () => {
    const found = await splits(
      "SELECT 'row-' || i AS id, i % 2 AS label, i AS x, CASE WHEN i < 100 THEN 'test' WHEN i < 600 THEN 'train' END AS split FROM range(0, 700) t(i)",
    )
    for (let i = 0; i < 600; i++) expect(found.get(`row-${i}`) === 'test').toBe(i < 100)
    expect(counts(found)).toEqual({ test: 100 + 20, validation: 50 + 10, train: 450 + 70 })
  })

  test('[PIP-44] leave out rows without a label and repeated ids', async () => {
    const found = await splits(
      "SELECT 'row-' || (i % 50) AS id, CASE WHEN i % 50 = 7 THEN NULL ELSE 'a' END AS label, i AS x FROM range(0, 100) t(i)",
    )
    expect(found.size).toBe(49)
    expect(found.has('row-7')).toBe(false)
  })
})

describe('balance', () => {
  const split = (groups: string[]): SplitExamples => ({
    examples: { data: new Uint8Array(groups.length), shape: [groups.length, 1] },
    labels: new Int32Array(groups.length),
    transform: () => {},
    groups: { source: groups },
    unknown: 0,
  })
  const source = [...Array.from({ length: 900 }, () => 'old'), ...Array.from({ length: 100 }, () => 'new')]

  test('[PIP-45] gives a small world the share of an epoch that was asked for, each of its rows about as often', () => {
    const chosen = sampleRows(split(source), { rows: 1000, balance: { column: 'source', shares: { new: 0.4 } } }, seededRandom(1)) ?? []
    const fresh = chosen.filter((row) => row >= 900)
    expect([chosen.length, fresh.length]).toEqual([1000, 400])
    const times = Map.groupBy(fresh, (row) => row)
    expect(new Set([...times.values()].map((all) => all.length))).toEqual(new Set([4]))
    expect(new Set(chosen.filter((row) => row < 900)).size).toBe(600)
  })

  test('[PIP-46] changes nothing where nothing was asked for or the world is not there, and refuses shares beyond the whole', () => {
    expect(sampleRows(split(source), {}, seededRandom(1))).toBeUndefined()
    expect(sampleRows(split(source), { balance: { column: 'source', shares: { other: 0.5 } } }, seededRandom(1))).toBeUndefined()
    expect(() => sampleRows(split(source), { balance: { column: 'source', shares: { new: 0.8, old: 0.8 } } }, seededRandom(1))).toThrow(
      /must not exceed 1/,
    )
    expect(() => sampleRows(split(source), { balance: { column: 'colour', shares: { new: 0.8 } } }, seededRandom(1))).toThrow(/sliceBy/)
  })
})
