import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { AppError, fromProblem } from '../../../shared/core/errors.ts'
import type { Clock } from '../../../shared/core/clock.ts'
import type { ImportAnswer, ImportTask } from './import-worker.ts'

const WORKER = fileURLToPath(new URL('./import-worker.ts', import.meta.url))
/** Of its JavaScript; DuckDB bounds its own. */
const HEAP_MB = 512

/** Reads what is wanted of a source into a Parquet file, in a process of its own. @throws AppError of what went wrong there, timeout, or step_crashed. */
export async function importSource(task: ImportTask, clock: Clock): Promise<void> {
  const child = fork(WORKER, [], {
    execArgv: [`--max-old-space-size=${HEAP_MB}`, '--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  const ended = new AbortController()
  let said = ''
  child.stderr?.on('data', (bytes: Buffer) => {
    said = (said + bytes.toString()).slice(-2000)
  })
  try {
    const answered = new Promise<ImportAnswer>((resolve, reject) => {
      child.once('message', (message) => resolve(message as ImportAnswer))
      child.once('error', reject)
      child.once('exit', (code, signal) =>
        reject(new AppError('step_crashed', `reading ${task.name} ended its process (${signal ?? `code ${code}`})`, { cause: said })),
      )
    })
    const late = clock.sleep(task.timeoutMs, ended.signal).then((): ImportAnswer => {
      throw new AppError(
        'timeout',
        `${task.name}: reading took longer than ${Math.round(task.timeoutMs / 1000)} s and was ended: select less, or mend the query`,
      )
    })
    // who comes second has nobody to tell
    late.catch(() => {})
    answered.catch(() => {})
    child.send(task)
    const answer = await Promise.race([answered, late])
    if (!answer.ok) throw fromProblem(answer.problem) ?? new AppError('internal', 'reading a source failed without a reason')
  } finally {
    ended.abort()
    child.kill('SIGKILL')
  }
}
