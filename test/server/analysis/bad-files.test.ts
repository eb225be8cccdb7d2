import { rejects } from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { analyseFile } from '../../../server/analysis/analyse-file.ts'
import type { AppError } from '../../../shared/core/errors.ts'
import { createFiles } from './files.ts'

const files = createFiles()
afterAll(files.remove)

const failure = (name: string, content: string | Uint8Array): Promise<AppError> =>
  files.analyse(name, content).then(
    () => expect.fail(`${name} was taken`),
    (thrown: AppError) => thrown,
  )

const names = (count: number): string => Array.from({ length: count }, (_, at) => `c${at}`).join(',')
const LONG = 'x'.repeat(3_000_000)

test.each<[name: string, what: string, content: string | Uint8Array, where: string, advice: string]>([
  ['empty.csv', 'no byte', '', 'empty.csv', 'needs rows'],
  ['head.csv', 'a header alone', 'a,b\n', 'line 2', 'not one row'],
  ['nul.csv', 'a NUL byte', 'a,b\n1,x\n2,y\0z\n', 'line 3', 'export it again'],
  ['latin.csv', 'another encoding', Buffer.from('a,b\n1,x\n2,\xe9\n', 'latin1'), 'line 3', 'not UTF8'],
  ['utf16.csv', 'UTF16', Buffer.from('\ufeffa,b\n1,2\n', 'utf16le'), 'line 1', 'as UTF8'],
  ['long.csv', 'one huge line', `a,b\n1,${LONG}\n`, 'line 2', 'longer than 2097152 bytes'],
  ['header.csv', 'a huge header', LONG, 'line 1', 'longer than 2097152 bytes'],
  ['open.csv', 'a quote that is never closed', 'a,b\n1,"x\ny"\n2,"z\n3,w\n', 'line 4', 'never closed'],
  ['after.csv', 'text after a quote', 'a,b\n1,"x"y\n', 'line 2', 'twice'],
  ['cr.csv', 'line ends of CR alone', 'a,b\r1,2\r', 'line 1', 'LF line ends'],
  ['stray.csv', 'a CR within a row', 'a,b\n1,x\ry\n', 'line 2', 'CR in the middle'],
  ['twice.csv', 'two columns of one name', 'a,b,a\n1,2,3\n', 'column 3', 'rename'],
  ['name.csv', 'a name that is too long', `${'n'.repeat(200)},b\n1,2\n`, 'column 1', 'shorten'],
  ['columns.csv', 'too many columns', `${names(100_000)}\n${names(100_000)}\n`, 'line 1', 'at most 10000'],
  ['blank.json', 'white space', ' \n ', 'line 1', 'no rows'],
  ['none.json', 'an empty array', '[]', 'line 1', 'no rows'],
  ['numbers.json', 'rows that are no objects', '[{"a":1},3]', 'row 2', 'is no object'],
  ['cut.json', 'an end within a row', '{"a":1}\n{"a":', 'row 2, line 2', 'never closed'],
  ['open.json', 'an array that is not closed', '[{"a":1},', 'row 1', 'never closed'],
  ['faulty.jsonl', 'a row that is no JSON', '{"a":1}\n{"a":nope}\n{"a":3}\n', 'row 2, line 2', 'no valid JSON'],
  ['nul.json', 'a NUL byte', '{"a":"x\0"}', 'line 1', 'NUL byte'],
  ['long.json', 'one huge row', `[{"a":"${LONG}"}]`, 'row 1', 'longer than 2097152 bytes'],
  ['latin.json', 'another encoding', Buffer.from('{"a":"\xe9"}', 'latin1'), 'line 1', 'not UTF8'],
  ['text.parquet', 'another format', 'PAR1 is how it begins', 'text.parquet', 'cannot be read'],
])('[DAT-14] %s with %s is refused', async (name, _, content, where, advice) => {
  const { code, detail } = await failure(name, content)
  expect(code).toBe('invalid_input')
  expect(detail.startsWith(name)).toBe(true)
  expect(detail).toContain(where)
  expect(detail).toContain(advice)
  expect(detail.length).toBeLessThan(400)
})

test('[DAT-14] ragged rows are counted, and ten of them are named by their lines', async () => {
  const few = await failure('ragged.csv', 'a,b,c\n1,2,3\n4,"5\n5"\n\n7,8,9,10\n')
  expect(few.detail).toBe('ragged.csv has 2 rows with more or fewer fields than its header (delimiter ",")')
  expect(few.issues).toEqual([
    { where: 'ragged.csv, line 3', what: expect.stringMatching(/^2 fields where the header has 3: /) as string },
    { where: 'ragged.csv, line 6', what: expect.stringMatching(/^4 fields where the header has 3: /) as string },
  ])
  const many = await failure('many.csv', `a,b\n${'1\n'.repeat(500)}`)
  expect(many.detail).toContain('500 rows')
  expect(many.issues).toHaveLength(10)
})

test('[DAT-14] a fault beyond the first block of a large file has its line', async () => {
  const { issues } = await failure('late.csv', `a,b\n${'12345678,12345678\n'.repeat(150_000)}1\n`)
  expect(issues).toMatchObject([{ where: 'late.csv, line 150002' }])
})

test('[DAT-14] 10,000 columns are analysed', { timeout: 60_000 }, async () => {
  const row = Array.from({ length: 10_000 }, (_, at) => at).join(',')
  const { statistics } = await files.analyse('wide.csv', `${names(10_000)}\n${row}\n${row}\n`)
  expect(statistics.features).toHaveLength(10_000)
  expect(statistics.features[9_999]).toMatchObject({ name: 'c9999', type: 'int', count: 2 })
})

test('[DAT-14] a file that is not there, and a folder, are refused', async () => {
  await rejects(analyseFile('/nowhere/rows.csv', 'csv'), { code: 'not_found' })
  await rejects(analyseFile(files.folder, 'csv'), { code: 'invalid_input' })
})

test('[DAT-14] a label that is no column is refused with those there are', async () => {
  await rejects(files.analyse('label.csv', 'a,b\n1,2\n', { label: 'c' }), { code: 'invalid_input', detail: /has no column c .* a, b/ })
})

/** In a process of its own, so that its memory is its own: what went wrong, and the most it held in MiB. */
function analysedAlone(path: string): { detail: string; peakMiB: number } {
  const module = fileURLToPath(new URL('../../../server/analysis/analyse-file.ts', import.meta.url))
  const script = `const { analyseFile, formatOf } = await import(${JSON.stringify(module)})
    const detail = await analyseFile(${JSON.stringify(path)}, formatOf(${JSON.stringify(path)})).then(() => 'taken', (thrown) => thrown.detail)
    console.log(JSON.stringify({ detail, peakMiB: process.resourceUsage().maxRSS / 1024 }))`
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  return JSON.parse(out) as { detail: string; peakMiB: number }
}

test.each([
  ['line.csv', 'a,b\n1,x\n2,', 'line 3: longer than 2097152 bytes'],
  ['quoted.csv', 'a,b\n1,"', 'line 2: longer than 2097152 bytes'],
  ['rows.jsonl', '{"a":1}\n{"a":"', 'longer than 2097152 bytes'],
])('[DAT-14] a line of 1 GiB is refused in bounded memory: %s', { timeout: 60_000 }, (name, head, what) => {
  const path = join(files.folder, `huge-${name}`)
  const file = openSync(path, 'w')
  writeSync(file, head)
  for (let at = 0; at < 8; at++) writeSync(file, 'x'.repeat(1 << 20))
  // what is never read takes no room on the disk
  ftruncateSync(file, 2 ** 30)
  closeSync(file)
  const { detail, peakMiB } = analysedAlone(path)
  expect(detail).toContain(`huge-${name}, `)
  expect(detail).toContain(what)
  expect(peakMiB).toBeLessThan(300)
})
