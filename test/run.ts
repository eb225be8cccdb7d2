import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { ensureClientBuilt } from '../server/client-build.ts'
import { ensureChromium } from './browser.ts'
import { countOf, lineOf, lastLine, type StageResult } from './house/stage-result.ts'

// npm test: every check and every test, one line a stage, output only of what failed, and `N passed, N failed` as the last line.
// npm run check (--checks): the stages that need no test run.

const ROOT = join(import.meta.dirname, '..')
const tty = process.stdout.isTTY

/** For tools written in Go, which read all types: on several threads each works out the same types several times over. */
const ONE_THREAD = { GOMAXPROCS: '1' }

type Output = { readonly code: number; readonly text: string }

/** Runs a tool of node_modules/.bin on the Node that runs this. */
function run(command: string, args: readonly string[], more: Record<string, string> = {}): Promise<Output> {
  return new Promise((resolve) => {
    const path = join(ROOT, 'node_modules', '.bin') + delimiter + (process.env['PATH'] ?? '')
    const env = {
      ...process.env,
      PATH: path,
      FORCE_COLOR: tty ? '1' : '0',
      NO_COLOR: tty ? undefined : '1',
      // dozens of tests start servers and commands: each reads its modules a third faster from here
      NODE_COMPILE_CACHE: join(ROOT, 'node_modules', '.cache', 'compiled'),
      ...more,
    }
    const child = spawn(command, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'], shell: process.platform === 'win32' })
    const chunks: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.on('error', (error) => resolve({ code: 1, text: `${command}: ${error.message}` }))
    child.on('close', (code) => resolve({ code: code ?? 1, text: Buffer.concat(chunks).toString() }))
  })
}

async function check(command: string, ...args: string[]): Promise<StageResult> {
  const { code, text } = await run(command, args, ONE_THREAD)
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0, output: text }
}

async function tests(project: 'node*' | 'browser'): Promise<StageResult> {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-test-'))
  try {
    const report = join(folder, 'report.json')
    const args = ['run', '--project', project, '--reporter=dot', '--reporter=json', `--outputFile.json=${report}`]
    const { code, text } = await run('vitest', args)
    return countOf(readReport(report), code, text)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function readReport(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined // vitest ended before it wrote one: its exit code tells
  }
}

/** Once, before the tests: those that meet old pages would each build them, beside each other. */
async function pages(): Promise<StageResult> {
  try {
    await ensureClientBuilt({ root: ROOT })
    return { passed: 1, failed: 0, skipped: 0, output: '' }
  } catch (thrown) {
    return { passed: 0, failed: 1, skipped: 0, output: thrown instanceof Error ? thrown.message : String(thrown) }
  }
}

async function browserTests(): Promise<StageResult> {
  try {
    ensureChromium({ log: (line) => console.log(`     ${line}`) })
  } catch (thrown) {
    return { passed: 0, failed: 1, skipped: 0, output: thrown instanceof Error ? thrown.message : String(thrown) }
  }
  return tests('browser')
}

type Stages = [name: string, stage: () => Promise<StageResult>][]

/** Taken beside each other. */
const CHECKS: Stages = [
  // incremental: the second check of an afternoon takes a tenth of the first
  [
    'types',
    () =>
      check(
        'tsc',
        ...['--noEmit', '-p', 'tsconfig.json', '--checkers', '1'],
        ...['--incremental', '--tsBuildInfoFile', 'node_modules/.cache/tsc.tsbuildinfo'],
      ),
  ],
  ['lint', () => check('oxlint')],
  ['format', () => check('biome', 'format', '--colors=off', '.')],
  ['unused code', () => check('knip', '--no-progress')],
]
const TESTS: Stages = [
  ['pages', pages],
  ['tests in Node', () => tests('node*')],
  ['tests in Chromium', browserTests],
]

const results: StageResult[] = []
const running = new Set<string>()
const CLEAR_LINE = '\u001B[2K\r'

/** Says what is under way in the terminal's last line, behind `lines`. */
function show(...lines: string[]): void {
  const last = running.size > 0 ? `     ${[...running].join(', ')} …` : ''
  if (tty) process.stdout.write(CLEAR_LINE)
  for (const line of lines) console.log(line)
  if (tty) process.stdout.write(last)
}

async function take([name, stage]: Stages[number]): Promise<void> {
  const start = performance.now()
  running.add(name)
  show()
  const result = await stage()
  results.push(result)
  running.delete(name)
  show(lineOf(name, result, (performance.now() - start) / 1000), ...(result.failed > 0 ? [`\n${result.output.trimEnd()}\n`] : []))
}

await Promise.all(CHECKS.map(take))
if (!process.argv.includes('--checks')) for (const stage of TESTS) await take(stage)
console.log(lastLine(results))
process.exitCode = results.some((result) => result.failed > 0) ? 1 : 0
