import { join } from 'node:path'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { seededRandom } from '../../../shared/core/random.ts'
import { literal, openDuck } from '../../../server/datasets/duckdb.ts'
import { PARQUET_OPTIONS } from '../../../server/datasets/duckdb.ts'
import { sampleRows } from '../../../server/pipeline/data/sampling.ts'
import type { SplitExamples } from '../../../server/pipeline/data/split-examples.ts'
import type { SplitMethod } from '../../../server/pipeline/data/split-method.ts'
import { splitSql } from '../../../server/pipeline/data/split-sql.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shoal-split-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const fractions = { validation: 0.1, test: 0.2 }

/** Splits the rows of a query: id to split. */
async function splits(query: string, options: { splitSeed?: number; method?: SplitMethod } = {}): Promise<Map<string, string>> {
  const path = join(folder, 'rows.parquet')
  const duck = await openDuck({ folder })
  try {
    await duck.run(`COPY (${query}) TO ${literal(path)} ${PARQUET_OPTIONS}`)
    const described = await duck.rows(`SELECT column_name AS name FROM (DESCRIBE SELECT * FROM read_parquet(${literal(path)}))`)
    const columns = described.map((column) => String(column['name']))
    await duck.run(
      splitSql({
        path,
        columns,
        label: 'label',
        id: 'id',
        split: 'split',
        fractions,
        splitSeed: options.splitSeed ?? 1,
        method: options.method ?? { by: 'random' },
      }),
    )
    const rows = await duck.rows('SELECT id, part AS assigned FROM assigned')
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

describe('methods of splitting', () => {
  const seeds = fc.integer({ min: 0, max: 1_000_000 })
  const each = (property: (seed: number) => Promise<void>) => fc.assert(fc.asyncProperty(seeds, property), { numRuns: 5 })
  const numbers = (found: Map<string, string>, name: string) =>
    [...found].flatMap(([id, part]) => (part === name ? [Number(id.slice(4))] : []))

  test('[PIP-130] stratified: every part has each value by its share, give or take one row, and the fractions of the whole are exact', async () => {
    await each(async (splitSeed) => {
      const query = `SELECT 'row-' || i AS id, CASE WHEN i % 100 < 3 THEN 'rare' WHEN i % 10 = 5 THEN 'some' ELSE 'common' END AS label FROM range(0, 1037) t(i)`
      const found = await splits(query, { splitSeed, method: { by: 'stratified', column: null } })
      expect(counts(found)).toEqual({ test: 207, validation: 104, train: 726 })
      const label = (i: number) => (i % 100 < 3 ? 'rare' : i % 10 === 5 ? 'some' : 'common')
      for (const [part, share] of [
        ['test', 0.2],
        ['validation', 0.1],
      ] as const) {
        const there = Map.groupBy(numbers(found, part), label)
        for (const [name, all] of [
          ['rare', 33],
          ['some', 104],
          ['common', 900],
        ] as const)
          expect(Math.abs((there.get(name)?.length ?? 0) - all * share)).toBeLessThanOrEqual(1.5)
      }
    })
  })

  test('[PIP-131] by time: the newest rows of all are the test, those before them the validation', async () => {
    await each(async (splitSeed) => {
      const query = `SELECT 'row-' || i AS id, i % 3 AS label, TIMESTAMP '2001-01-01' + INTERVAL ((i * 7919) % 1000) HOUR AS day, i % 2 AS _span FROM range(0, 1000) t(i)`
      const found = await splits(query, { splitSeed, method: { by: 'time', column: 'day' } })
      const hour = (i: number) => (i * 7919) % 1000
      expect(
        numbers(found, 'test')
          .map(hour)
          .sort((a, b) => a - b),
      ).toEqual(Array.from({ length: 200 }, (_, i) => 800 + i))
      expect(
        numbers(found, 'validation')
          .map(hour)
          .sort((a, b) => a - b),
      ).toEqual(Array.from({ length: 100 }, (_, i) => 700 + i))
    })
  })

  test('[PIP-132] by entity: none in two parts, in the same part for good, fractions as near as whole entities permit', async () => {
    const person = (i: number) => Math.floor(Math.sqrt(i))
    const query = (to: number, span: number, from = 0) =>
      `SELECT 'row-' || i AS id, i % 3 AS label, 'p' || floor(sqrt(i))::INT AS person, ${span} AS _span FROM range(${from}, ${to}) t(i)`
    await each(async (splitSeed) => {
      const method = { by: 'entity', column: 'person' } as const
      const before = await splits(query(2000, 1), { splitSeed, method })
      const after = await splits(`${query(2000, 1)} UNION ALL ${query(3000, 2, 2000)}`, { splitSeed, method })
      for (const found of [before, after]) {
        const parts = new Map<number, Set<string>>()
        for (const [id, part] of found) {
          const one = person(Number(id.slice(4)))
          parts.set(one, (parts.get(one) ?? new Set()).add(part))
        }
        expect([...parts.values()].every((own) => own.size === 1)).toBe(true)
      }
      for (const [id, part] of before) expect(after.get(id)).toBe(part)
      // the largest entity has 87 rows
      expect(Math.abs(numbers(before, 'test').length - 400)).toBeLessThanOrEqual(44)
      expect(Math.abs(numbers(before, 'validation').length - 200)).toBeLessThanOrEqual(88)
    })
  })

  test('[PIP-133] rows without a time or an entity are left out; the same seed gives the same rows, another one others', async () => {
    const query = `SELECT 'row-' || i AS id, i % 3 AS label, CASE WHEN i % 10 = 0 THEN NULL ELSE 'p' || (i % 97) END AS person FROM range(0, 1000) t(i)`
    for (const method of [
      { by: 'entity', column: 'person' },
      { by: 'stratified', column: 'person' },
    ] as const) {
      const found = await splits(query, { method })
      expect(found.size).toBe(method.by === 'entity' ? 900 : 1000)
      expect(await splits(query, { method })).toEqual(found)
      expect(await splits(query, { method, splitSeed: 2 })).not.toEqual(found)
    }
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
