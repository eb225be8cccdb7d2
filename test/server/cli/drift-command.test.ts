import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { FileComparison } from '../../../server/analysis/compare-files.ts'
import { normal, type Random, seededRandom } from '../../../shared/core/random.ts'
import { categoryTestNames, numericTestNames } from '../../../shared/stats/two-sample/test-names.ts'
import { type CliWorld, createCliWorld } from './cli-world.ts'

const folder = mkdtempSync(join(tmpdir(), 'shoal-drift-'))
const at = (name: string): string => join(folder, name)
let world: CliWorld

const rows = (random: Random, count: number, moved: number): string =>
  Array.from(
    { length: count },
    () => `${normal(random) + moved},${normal(random)},${random.uniform() < 0.5 + moved / 4 ? 'left' : 'right'},${random.uniform()}x`,
  ).join('\n')

beforeAll(async () => {
  world = await createCliWorld()
  const random = seededRandom(1)
  for (const [name, count, moved] of [
    ['before', 600, 0],
    ['same', 500, 0],
    ['moved', 500, 1],
    ['long', 60_000, 0],
  ] as const)
    writeFileSync(at(`${name}.csv`), `size,noise,side,key\n${rows(random, count, moved)}\n`)
  const errors = Array.from({ length: 2000 }, (_, i) => (i < 1000 ? Number(random.uniform() < 0.1) : Number(random.uniform() < 0.6)))
  writeFileSync(at('errors.csv'), `error,word,late\n${errors.map((error, i) => `${error},w,${i === 700 ? 2 : error}`).join('\n')}\n`)
})
afterAll(async () => {
  await world.close()
  rmSync(folder, { recursive: true, force: true })
})

const run = (words: readonly string[]) => world.run(words, { env: {} })

test('[CLI-67] columns that moved are named, by the test for their kind, and fail the command; others are not', async () => {
  const before = world.requests.length
  const same = await run(['drift', at('before.csv'), at('same.csv')])
  expect(same.code).toBe(0)
  expect(same.out.split('\n')[1]).toMatch(/^size\tkolmogorov-smirnov\t600\t500\t0\.\d+\t[\d.e-]+\tsame$/)
  expect(same.err).toMatch(/^key is left out: 1100 different values are no categories/)
  const moved = await run(['drift', at('before.csv'), at('moved.csv'), '--json'])
  expect(moved.code).toBe(1)
  const { columns } = JSON.parse(moved.out) as FileComparison
  expect(columns.map(({ column, test: by, changed }) => [column, by, changed])).toEqual([
    ['size', 'kolmogorov-smirnov', true],
    ['noise', 'kolmogorov-smirnov', false],
    ['side', 'chi-square', true],
  ])
  expect(world.requests.length).toBe(before)
})

test.each(numericTestNames)('[CLI-67] numbers by %s', async (name) => {
  const args = ['drift', at('before.csv'), at('moved.csv'), '--columns', 'size,noise', '--numbers', name]
  const { columns } = JSON.parse((await run([...args, '--json'])).out) as FileComparison
  expect(columns).toMatchObject([
    { column: 'size', test: name, changed: true },
    { column: 'noise', test: name, changed: false },
  ])
})

test.each(categoryTestNames)('[CLI-67] texts by %s', async (name) => {
  for (const [file, changed] of [
    ['moved.csv', true],
    ['same.csv', false],
  ] as const) {
    const args = ['drift', at('before.csv'), at(file), '--columns', 'side', '--categories', name]
    const { columns } = JSON.parse((await run([...args, '--json'])).out) as FileComparison
    expect(columns).toMatchObject([{ column: 'side', test: name, changed }])
  }
})

test('[CLI-67] of a long file as many rows are compared as matter, the same each time', async () => {
  const first = await run(['drift', at('before.csv'), at('long.csv'), '--json'])
  const { columns } = JSON.parse(first.out) as FileComparison
  expect(columns.map(({ now }) => now)).toEqual([20_000, 20_000, 20_000])
  expect((await run(['drift', at('before.csv'), at('long.csv'), '--json'])).out).toBe(first.out)
})

test('[CLI-67] unknown tests, columns and levels are refused', async () => {
  const files = ['drift', at('before.csv'), at('same.csv')]
  for (const words of [
    ['--numbers', 'guess'],
    ['--categories', 'guess'],
    ['--alpha', '2'],
  ])
    expect((await run([...files, ...words])).code).toBe(2)
  const { code, err } = await run([...files, '--columns', 'depth'])
  expect([code, err]).toEqual([1, expect.stringContaining('before.csv has no column depth; it has size, noise, side, key')])
})

test('[CLI-68] a detector names the rows at which a column changed', async () => {
  for (const detector of ['adwin', 'ddm', 'hddm-a', 'hddm-w', 'page-hinkley', 'kswin']) {
    const { code, out } = await run(['changes', at('errors.csv'), 'error', '--detector', detector, '--json'])
    expect(code).toBe(0)
    const { changes, rows: seen } = JSON.parse(out) as { changes: number[]; rows: number }
    expect(seen).toBe(2000)
    expect([detector, changes.some((row) => row > 1000 && row < 1200)]).toEqual([detector, true])
  }
  const { out, err } = await run(['changes', at('before.csv'), 'noise'])
  expect([out, err]).toEqual(['', 'adwin noticed no change in 600 rows\n'])
})

test('[CLI-68] values that a detector does not take are named with file and row', async () => {
  const { code, err } = await run(['changes', at('errors.csv'), 'late', '--detector', 'ddm'])
  expect([code, err]).toEqual([1, expect.stringContaining('errors.csv, row 701: late is 2, where ddm takes 1 for an error and 0 for none')])
  expect((await run(['changes', at('errors.csv'), 'word'])).err).toContain('holds VARCHAR')
  expect((await run(['changes', at('errors.csv'), 'error', '--detector', 'guess'])).code).toBe(2)
})
