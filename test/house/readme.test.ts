import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { examplesIn } from './examples.ts'
import { ROOT, read } from './files.ts'

const documents = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md'].filter((name) => existsSync(join(ROOT, name)))

/** Runs an example from inside the repository, so that it may import what its reader may; resolves to what it printed. */
function run(language: string, code: string): string {
  const base = join(ROOT, '.shoal')
  mkdirSync(base, { recursive: true })
  const folder = mkdtempSync(join(base, 'example-'))
  const env = { ...process.env, PATH: join(ROOT, 'node_modules', '.bin') + delimiter + (process.env['PATH'] ?? ''), NO_COLOR: '1' }
  try {
    if (language === 'sh')
      return execFileSync('bash', ['-euo', 'pipefail', '-c', code], { cwd: ROOT, env, encoding: 'utf8', timeout: 60_000 })
    const file = join(folder, 'example.ts')
    writeFileSync(file, code.replaceAll(/(['"])\.\//g, '$1../../'))
    return execFileSync(process.execPath, [file], { cwd: ROOT, env, encoding: 'utf8', timeout: 60_000 })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

describe.each(documents)('[HSE-10] %s', (name) => {
  const examples = examplesIn(read(name))
  test.each(examples)('line $line: the example runs and prints what it says', { timeout: 70_000 }, ({ language, code, output }) => {
    const printed = run(language, code)
    for (const line of output) expect(printed).toContain(line)
  })
  test('every fenced block names its language', () => {
    expect(examplesIn(read(name), { all: true }).filter((example) => example.language === '')).toEqual([])
  })
})

test('[HSE-10] a block marked `run` is an example, and the block marked `output` after it what it prints', () => {
  const text = [
    '```sh run',
    'echo hello',
    '```',
    'prints',
    '```text output',
    'hello',
    '```',
    '```ts',
    'not run',
    '```',
    '```ts run',
    'console.log(1)',
    '```',
  ].join('\n')
  expect(examplesIn(text)).toEqual([
    { line: 1, language: 'sh', code: 'echo hello', output: ['hello'] },
    { line: 11, language: 'ts', code: 'console.log(1)', output: [] },
  ])
  expect(run('sh', 'echo hello')).toBe('hello\n')
  expect(
    run('ts', "import { systemClock } from './shared/core/clock.ts'\nconst kind: string = typeof systemClock.now\nconsole.log(kind)"),
  ).toBe('function\n')
})
