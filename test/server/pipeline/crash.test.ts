import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import type { RunDetail } from '../../../shared/contract/pipelines.ts'

const SERVER = fileURLToPath(new URL('./crash-server.ts', import.meta.url))

type Line = { type: string; data?: { step?: string; state?: string }; detail?: RunDetail; runs?: number }

const folders: string[] = []
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
/** Where the system tells it (Linux): the processes that one has started, and whether one still runs. */
const startedBy = (pid = 0): string[] => read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean)
const runs = (pid: string): boolean => /^\d+ \(.*\) [^Z]/.test(read(`/proc/${pid}/stat`))

/** Starts the server and kills it, without warning, at the first line for which `at` holds; without `at` it may end. */
async function live(folder: string, at?: (line: Line) => boolean): Promise<Line[]> {
  const child: ChildProcess = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', SERVER, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines: Line[] = []
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  for await (const text of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    const line = JSON.parse(text) as Line
    lines.push(line)
    if (at?.(line)) {
      const steps = startedBy(child.pid)
      if (process.platform === 'linux' && line.type === 'run.progress') expect(steps.length).toBeGreaterThan(0)
      child.kill('SIGKILL')
      // no step outlives its server: the next one takes it up
      await expect.poll(() => steps.filter(runs), { timeout: 10_000 }).toEqual([])
      break
    }
  }
  await ended
  return lines
}

const isStep = (step: string, state: string) => (line: Line) =>
  line.type === 'run.changed' && line.data?.step === step && line.data.state === state

test.each([
  [
    'in the middle of a step',
    (line: Line) => line.type === 'run.progress' && line.data?.step === 'wait',
    { one: 1, two: 1, wait: 2, last: 1 },
  ],
  ['between two steps', isStep('two', 'succeeded'), { one: 1, two: 1 }],
  ['when a run has just been asked for', (line: Line) => line.type === 'run.changed' && line.data?.state === 'queued', { last: 1 }],
] as const)(
  '[PIP-24] killed %s, a run goes on from its last finished step at the next start',
  async (_when, at, attempts) => {
    const folder = await mkdtemp(join(tmpdir(), 'shoal-crash-'))
    folders.push(folder)
    await live(folder, at)
    await writeFile(join(folder, 'go'), '')
    const lines = await live(folder)
    const end = lines.at(-1)
    expect(end).toMatchObject({ type: 'end', runs: 1, detail: { state: 'succeeded', error: null } })
    const detail = end?.detail as RunDetail
    expect(detail.steps.map((step) => step.state)).toEqual(['succeeded', 'succeeded', 'succeeded', 'succeeded'])
    expect(Object.fromEntries(detail.steps.map((step) => [step.name, step.attempts]))).toMatchObject(attempts)
    expect(detail.steps.at(-1)?.outputs['out']?.properties).toEqual({ sum: 2 })
    // nothing half written: each step has exactly one output, each artifact one maker
    const db = new DatabaseSync(join(folder, 'shoal.db'))
    expect(db.prepare('select count(*) as n from executions, json_each(outputs)').get()).toEqual({ n: 4 })
    expect(db.prepare('select count(*) as n from artifacts').get()).toEqual({ n: 4 })
    expect(db.prepare('pragma foreign_key_check').all()).toEqual([])
    db.close()
  },
  30_000,
)
