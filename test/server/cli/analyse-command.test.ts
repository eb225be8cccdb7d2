import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Analysis } from '../../../server/analysis/analyse-file.ts'
import type { Problem } from '../../../shared/core/errors.ts'
import { type CliWorld, createCliWorld } from './cli-world.ts'

const folder = mkdtempSync(join(tmpdir(), 'shoal-analyse-'))
const at = (name: string): string => join(folder, name)
let world: CliWorld

beforeAll(async () => {
  world = await createCliWorld()
  const rows = Array.from({ length: 100 }, (_, row) => `${row * 7},${row % 2 === 0 ? 'left' : 'right'},${row % 2},`)
  writeFileSync(at('rows.csv'), `size,side,copy,\u001b[31mred\n${rows.join('\n')}\n`)
  writeFileSync(at('other.csv'), `size,side,copy\n${'1,up,1\n'.repeat(40)}`)
  writeFileSync(at('ragged.csv'), 'a,b\n1\n')
})
afterAll(async () => {
  await world.close()
  rmSync(folder, { recursive: true, force: true })
})

const analyse = (words: readonly string[], tty = false) => world.run(['analyse', ...words], { tty, env: {} })

test('[CLI-12] a table, suggestions and the size, without a request', async () => {
  const before = world.requests.length
  const { code, out, err } = await analyse([at('rows.csv'), '--label', 'side'])
  expect([code, err]).toEqual([0, ''])
  const lines = out.split('\n')
  expect(lines[0]).toBe('FEATURE\tTYPE\tMISSING\tDISTINCT\tVALUES\tNOTES')
  expect(lines[1]).toBe('size\tint\t0 %\t100\t0 to 693, mean 346.5 ± 203.1\tidentifier')
  expect(lines[2]).toBe('side\tstring\t0 %\t2\tleft (50), right (50)\tlabel')
  expect(lines[3]).toContain('leakage')
  expect(out).toContain('\n  copy alone tells 100 % of the label')
  expect(out.trimEnd().endsWith('rows.csv: 100 rows, 4 features')).toBe(true)
  // a column's name does not steer the terminal
  expect(out).not.toContain('\u001b')
  expect(world.requests.length).toBe(before)
})

test('[DAT-13] the table of a SQLite file; of several the one that is named', async () => {
  const db = new DatabaseSync(at('rows.sqlite'))
  db.exec('CREATE TABLE sides (size INTEGER, side TEXT)')
  for (let row = 0; row < 100; row++) db.prepare('INSERT INTO sides VALUES (?, ?)').run(row * 7, row % 2 === 0 ? 'left' : 'right')
  const only = await analyse([at('rows.sqlite')])
  expect(only.code).toBe(0)
  expect(only.out).toContain('size\tint\t0 %\t100\t0 to 693, mean 346.5 ± 203.1')
  db.exec('CREATE TABLE colours (name TEXT)')
  db.close()
  const several = await analyse([at('rows.sqlite')])
  expect(several).toMatchObject({ code: 1, err: expect.stringContaining('rows.sqlite has 2 tables: name one of colours, sides') })
  expect((await analyse([at('rows.sqlite'), '--table', 'sides'])).out).toBe(only.out)
  expect((await analyse([at('rows.sqlite'), '--table', 'shapes'])).err).toContain('has no table shapes; it has colours, sides')
  expect((await analyse([at('rows.sqlite'), '--table', 'colours'])).err).toContain('the source has no rows')
  expect((await analyse([at('rows.csv'), '--table', 'sides'])).err).toContain('rows.csv is one table')
  writeFileSync(at('text.db'), 'this is no database, however its name ends')
  expect((await analyse([at('text.db')])).err).toContain('text.db: file is not a database')
})

test('[CLI-12] on a terminal progress is shown on stderr and taken away again', async () => {
  const { code, out, err } = await analyse([at('rows.csv')], true)
  expect(code).toBe(0)
  expect(err).toContain('looking the file over')
  expect(out).not.toContain('looking the file over')
})

test('[CLI-12] --json prints everything, and what it prints is taken as a schema', async () => {
  const { out } = await analyse([at('rows.csv'), '--label', 'side', '--json'])
  const analysis = JSON.parse(out) as Analysis
  expect(analysis).toMatchObject({
    format: 'csv',
    label: 'side',
    statistics: { examples: 100 },
    schema: { label: 'side' },
    anomalies: null,
    mixed: [],
  })
  writeFileSync(at('answer.json'), out)
  writeFileSync(at('schema.json'), JSON.stringify(analysis.schema))
  for (const schema of ['answer.json', 'schema.json']) {
    const same = await analyse([at('rows.csv'), '--schema', at(schema), '--json'])
    expect([same.code, (JSON.parse(same.out) as Analysis).anomalies]).toEqual([0, []])
    const other = await analyse([at('other.csv'), '--schema', at(schema)])
    expect(other.code).toBe(1)
    expect(other.out).toContain(
      'error ENUM_TYPE_UNEXPECTED_STRING_VALUES: side has values outside its domain in 100 % of the rows: "up" (40)',
    )
    expect(other.out).toContain('anomalies: 1')
  }
})

test('[CLI-12] --out writes the report', async () => {
  const { code, err, out } = await analyse([at('rows.csv'), '--out', at('report.html')])
  expect([code, err]).toEqual([0, `wrote ${at('report.html')}\n`])
  expect(out).not.toContain('<html')
  expect(readFileSync(at('report.html'), 'utf8')).toMatch(/^<!doctype html>[^]*<h1>rows\.csv<\/h1>/)
  expect(await analyse([at('rows.csv'), '--out', at('nowhere/report.html')])).toMatchObject({
    code: 1,
    err: expect.stringContaining('cannot be written') as string,
  })
})

test('[CLI-12] what cannot be analysed is a coded failure, and no report is left', async () => {
  const ragged = await analyse([at('ragged.csv'), '--out', at('none.html')])
  expect(ragged).toMatchObject({ code: 1, out: '' })
  expect(ragged.err).toContain('shoal: invalid_input: ragged.csv has 1 row')
  expect(ragged.err).toContain('  ragged.csv, line 2: 1 field where the header has 2')
  expect(existsSync(at('none.html'))).toBe(false)
  const json = await analyse([at('ragged.csv'), '--json'])
  expect(JSON.parse(json.err) as Problem).toMatchObject({ code: 'invalid_input', issues: [{ where: 'ragged.csv, line 2' }] })
  expect(await analyse([at('gone.csv')])).toMatchObject({ code: 1, err: expect.stringContaining('not_found') as string })
  expect(await analyse([at('notes.docx')])).toMatchObject({ code: 2, err: expect.stringContaining('is none of .csv') as string })
})

test('[CLI-12] a file that is no schema is refused, and where', async () => {
  writeFileSync(at('broken.json'), '{"features":')
  writeFileSync(at('strange.json'), '{"features":[{"name":"a","type":"colour"}]}')
  writeFileSync(at('null.json'), 'null')
  const refused = (name: string) => analyse([at('rows.csv'), '--schema', at(name)])
  expect((await refused('broken.json')).err).toContain('broken.json is not JSON')
  expect((await refused('strange.json')).err).toContain('strange.json /features/0/type')
  expect((await refused('null.json')).err).toContain('is no schema')
  expect((await refused('gone.json')).err).toContain('shoal: not_found')
})

test('[CLI-52] data is checked in CI against a schema file or the accepted schema of a dataset, in its environment', async () => {
  const run = (words: readonly string[]) => world.run([...words])
  writeFileSync(at('train.csv'), `size,side\n${'1,left\n2,right\n'.repeat(20)}`)
  writeFileSync(at('serve.csv'), `size\n${'1\n2\n'.repeat(20)}`)
  await run(['datasets', 'create', 'sides'])
  expect(await run(['analyse', at('train.csv'), '--dataset', 'sides'])).toMatchObject({
    code: 1,
    err: expect.stringContaining('schemas infer sides') as string,
  })
  await run(['datasets', 'upload', 'sides', at('train.csv')])
  await run(['schemas', 'infer', 'sides', '--label', 'side', '--reason', 'first'])
  await run(['schemas', 'accept', 'sides', '1', '--reason', 'reviewed'])
  const against = (file: string, ...more: string[]) => run(['analyse', at(file), '--dataset', 'sides', ...more])
  expect((await against('train.csv')).code).toBe(0)
  expect(await against('serve.csv')).toMatchObject({ code: 1, out: expect.stringContaining('SCHEMA_MISSING_COLUMN: side') as string })
  expect((await against('serve.csv', '--environment', 'SERVING')).code).toBe(0)
  expect((await against('other.csv')).out).toContain('ENUM_TYPE_UNEXPECTED_STRING_VALUES')
  expect((await against('serve.csv', '--environment', 'MOON')).code).toBe(2)
  expect((await against('serve.csv', '--schema', at('schema.json'))).code).toBe(2)
})
