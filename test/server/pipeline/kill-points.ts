import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import type { RunDetail } from '../../../shared/contract/pipelines.ts'

const SERVER = fileURLToPath(new URL('./kill-server.ts', import.meta.url))

/** How a run of flights ended, in a process that was left alone. */
export type Outcome = {
  readonly run: RunDetail
  readonly runs: number
  readonly pieces: unknown
  readonly tensors: unknown
  readonly latest: number | null
  readonly aliases: Readonly<Record<string, number>>
  /** The log of the step `train`. */
  readonly said: readonly string[]
  /** Folders that steps have left for a next attempt. */
  readonly kept: readonly string[]
}

/** The state of each step as the dead process left it, and how often it was begun. */
export type Left = ReadonlyMap<string, { readonly state: string; readonly attempts: number }>

function spawned(folder: string, point: string, epochs = 1): Promise<{ signal: string | null; code: number | null; out: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', SERVER, folder, point, String(epochs)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let out = ''
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString()
    })
    child.once('close', (code, signal) => resolve({ signal, code, out }))
  })
}

/** Lives until the point, where the process kills itself: what it has left. Undefined where the point never came. */
export async function killAt(folder: string, point: string, epochs?: number): Promise<Left | undefined> {
  const { signal } = await spawned(folder, point, epochs)
  if (signal !== 'SIGKILL') return undefined
  const db = new DatabaseSync(join(folder, 'shoal.db'))
  const rows = db.prepare('select step, state, attempts from executions').all() as { step: string; state: string; attempts: number }[]
  const broken = [
    ...db.prepare('pragma foreign_key_check').all(),
    ...db
      .prepare('pragma integrity_check')
      .all()
      .filter((row) => row['integrity_check'] !== 'ok'),
  ]
  db.close()
  if (broken.length > 0) throw new Error(`the database is broken after ${point}: ${JSON.stringify(broken)}`)
  return new Map(rows.map(({ step, state, attempts }) => [step, { state, attempts }]))
}

/** Lives until the run has ended. */
export async function finish(folder: string, epochs?: number): Promise<Outcome> {
  const { code, out } = await spawned(folder, 'none', epochs)
  if (code !== 0) throw new Error(`the process ended with ${code}`)
  return JSON.parse(out) as Outcome
}

/** Digests of what the steps made, but for what names the run or the time: the version and the release. */
export const digestsOf = ({ run, pieces, tensors }: Outcome): Record<string, unknown> => ({
  pieces,
  tensors,
  ...Object.fromEntries(
    run.steps
      .filter(({ name }) => name !== 'register' && name !== 'release')
      .flatMap(({ name, outputs }) => Object.entries(outputs).map(([output, { digest }]) => [`${name}.${output}`, digest])),
  ),
})
