import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT } from './files.ts'
import { countOf, lastLine, lineOf } from './stage-result.ts'

test('[HSE-7] tests run on Node 24, and so do the processes they start', () => {
  expect(process.version).toMatch(/^v24\./)
  expect(execFileSync(process.execPath, ['--version'], { encoding: 'utf8' })).toMatch(/^v24\./)
  expect(execFileSync('node', ['--version'], { encoding: 'utf8' })).toMatch(/^v24\./)
})

/** What oxlint finds in this source, in a file outside the repository that lasts as long as the check. */
function lintOf(source: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-lint-'))
  try {
    writeFileSync(join(folder, 'probe.ts'), source)
    const args = ['-c', join(ROOT, '.oxlintrc.json'), '--format=unix', '.']
    return rulesOf(execFileSync('oxlint', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe', shell: process.platform === 'win32' }))
  } catch (thrown) {
    return rulesOf((thrown as { stdout: string }).stdout)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
const rulesOf = (output: string): string[] => [...output.matchAll(/\[Error\/([^\]]+)\]/g)].map((match) => match[1] ?? '')

test.each([
  [
    'a floating promise',
    'export const f = (work: () => Promise<void>): void => {\n  work()\n}\n',
    'typescript-eslint(no-floating-promises)',
  ],
  ['Date.now', 'export const now = Date.now()\n', 'house(no-ambient)'],
  ['new Date()', 'export const now = new Date()\n', 'house(no-ambient)'],
  ['Math.random', 'export const draw = Math.random()\n', 'house(no-ambient)'],
  ['crypto.randomUUID', 'export const id = crypto.randomUUID()\n', 'house(no-ambient)'],
  ['setTimeout', 'setTimeout(() => {}, 1)\n', 'eslint(no-restricted-globals)'],
  ['the global fetch', "export const answer = await fetch('/')\n", 'eslint(no-restricted-globals)'],
  ['console', "console.log('x')\n", 'eslint(no-console)'],
])('[HSE-8] lint refuses %s in product code', (_, source, rule) => {
  expect(lintOf(source)).toContain(rule)
})

test('[HSE-8] lint takes a clock, a fetch and a dated Date as parameters', () => {
  const source =
    'export const f = async (clock: { now(): number }, fetch: (url: string) => Promise<Response>): Promise<Date> => {\n  await fetch(String(clock.now()))\n  return new Date(clock.now())\n}\n'
  expect(lintOf(`${source}export const now = Date.now()\n`)).toEqual(['house(no-ambient)'])
})

test('[HSE-9] the totals count each test and each check, and a run that ends badly is never a success', () => {
  const report = { numPassedTests: 7, numFailedTests: 2, numPendingTests: 1, numTodoTests: 0 }
  expect(countOf(report, 1, '')).toMatchObject({ passed: 7, failed: 2, skipped: 1 })
  expect(countOf({ ...report, numFailedTests: 0 }, 1, '')).toMatchObject({ passed: 7, failed: 1 })
  expect(countOf(undefined, 0, '')).toMatchObject({ passed: 0, failed: 1 })
  const check = { passed: 1, failed: 0, skipped: 0, output: '' }
  expect(lastLine([check, countOf(report, 1, '')])).toBe('8 passed, 2 failed')
  expect(lineOf('lint', check, 1.26)).toBe('ok   lint                  1.3 s')
})
