import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { literal, openDuck, PARQUET_OPTIONS } from '../../../server/datasets/duckdb.ts'
import type { Preparation } from '../../../server/pipeline/data/example-form.ts'
import { loadSplit } from '../../../server/pipeline/data/split-examples.ts'

const ROWS = 400_000
const MIB = 2 ** 20

let folder: string
let path: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shoal-examples-'))
  path = join(folder, 'split.parquet')
  const duck = await openDuck({ folder, files: [path], threads: 1 })
  const query = `SELECT 'row-' || i AS id, CASE WHEN i % 5 = 3 THEN 'strange' WHEN i % 2 = 0 THEN 'even' ELSE 'odd' END AS label, i AS x, 'word ' || i % 7 AS word FROM range(${ROWS}) t(i)`
  await duck.run(`COPY (${query}) TO ${literal(path)} ${PARQUET_OPTIONS}`)
  duck.close()
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** A place for each of so many words, and the number itself. */
const places = (words: number): Preparation => ({
  form: { kind: 'columns', columns: ['x', 'word'] },
  labels: ['even', 'odd'],
  transforms: [
    { kind: 'passthrough', input: 'x', missing: 0 },
    { kind: 'one-hot', input: 'word', values: Array.from({ length: words }, (_, i) => `word ${i}`) },
  ],
  sliceBy: ['word'],
})

test('[PIP-186] a split that is too large is refused with its size, before it is read; as many rows of it as are said are taken', async () => {
  const before = process.memoryUsage().arrayBuffers
  const wide = places(1000)
  const width = 1002
  const bytes = 4 * width + 4 + 8
  const most = Math.floor((1280 * MIB) / bytes)
  await expect(loadSplit(path, wide, folder)).rejects.toMatchObject({
    code: 'invalid_input',
    detail: expect.stringContaining(
      `${ROWS} rows of ${width} values, ${Math.ceil((ROWS * bytes) / MIB)} MiB where a step holds 1280: let the query of the extract step give fewer rows (this split may have ${most})`,
    ),
  })
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50 * MIB)
  await expect(loadSplit(path, wide, folder, { rows: most + 1 })).rejects.toMatchObject({ code: 'invalid_input' })
  expect((await loadSplit(path, wide, folder, { rows: 1000 })).examples.shape).toEqual([800, width])
})

test('[PIP-186] a split that fits is held once, its rows with a label that the model does not know left out', async () => {
  const { examples, labels, groups, unknown } = await loadSplit(path, places(7), folder)
  expect(unknown).toBe(ROWS / 5)
  expect(examples.shape).toEqual([(ROWS * 4) / 5, 9])
  expect(examples.data.buffer.byteLength).toBe(((ROWS * 4) / 5) * 9 * 4)
  const known = Array.from({ length: ROWS }, (_, i) => i).filter((i) => i % 5 !== 3)
  const wrong = known.findIndex(
    (i, row) =>
      examples.data[row * 9] !== i ||
      examples.data[row * 9 + 1 + (i % 7)] !== 1 ||
      labels[row] !== i % 2 ||
      groups['word']?.[row] !== `word ${i % 7}`,
  )
  expect(wrong).toBe(-1)
})
