import { mkdir, rm } from 'node:fs/promises'
import { MessageChannel, Worker } from 'node:worker_threads'
import type { Clock } from '../../shared/core/clock.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import type { StepLimits, StepResult } from './component.ts'
import { serveBridge } from './fetch-bridge.ts'
import type { LogLevel } from './run-log-store.ts'
import { serveBlobs } from './step-blobs.ts'
import type { FromStep, StepFailure, StepTask, ToStep, WorkerData } from './step-protocol.ts'

export type StepOutcome =
  | { readonly kind: 'done'; readonly result: StepResult }
  | { readonly kind: 'failed'; readonly failure: StepFailure }
  | { readonly kind: 'cancelled'; readonly reason: string }

export type StepProcessOptions = {
  readonly task: StepTask
  readonly limits: StepLimits
  readonly clock: Clock
  readonly blobs: BlobStore
  /** Answers the step's requests to the API. */
  readonly request: (request: Request) => Promise<Response>
  readonly signal: AbortSignal
  readonly onLog: (level: LogLevel, message: string) => void
  readonly onProgress: (progress: { done: number; total: number; note: string }) => void
}

/** How often a worker's memory is looked at, and how long it may take to end after it was asked to, in milliseconds. */
const LOOK_EVERY = 500
const GRACE = 2000

const MIB = 1024 * 1024

const failed = (code: StepFailure['code'], detail: string): StepOutcome => ({ kind: 'failed', failure: { code, detail, issues: [] } })

/** What a dead worker's error says. */
function crashOf(thrown: unknown, memoryMb: number): StepOutcome {
  const { code, message, stack } = thrown as { code?: string; message?: string; stack?: string }
  const detail =
    code === 'ERR_WORKER_OUT_OF_MEMORY'
      ? `it used more than its ${memoryMb} MB of memory`
      : `it died of an error nobody caught: ${message ?? String(thrown)}`
  return { kind: 'failed', failure: { code: 'step_crashed', detail, issues: [], ...(stack === undefined ? {} : { stack }) } }
}

/**
 * Runs one step in a thread of its own. Whatever the step does - throws, never ends, exits, eats memory - ends here as an outcome, and the thread is gone.
 * A request to abort is passed on; a step that does not heed it within two seconds is ended.
 */
export async function runStepProcess(options: StepProcessOptions): Promise<StepOutcome> {
  const { task, limits } = options
  // what an attempt that was killed has left
  await rm(task.folder, { recursive: true, force: true })
  await mkdir(task.folder, { recursive: true })
  const api = new MessageChannel()
  const blobs = new MessageChannel()
  const closeBridge = serveBridge(api.port1, options.request)
  serveBlobs(blobs.port1, options.blobs)
  const data: WorkerData = { task, api: api.port2, blobs: blobs.port2 }
  const worker = new Worker(new URL('./step-worker.ts', import.meta.url), {
    workerData: data,
    transferList: [api.port2, blobs.port2],
    // the server's own flags (a test runner's, a debugger's) are not the step's
    execArgv: ['--disable-warning=ExperimentalWarning'],
    resourceLimits: { maxOldGenerationSizeMb: limits.memoryMb },
    stdout: true,
    stderr: true,
  })
  try {
    return await outcomeOf(worker, options)
  } finally {
    closeBridge()
    blobs.port1.close()
    await worker.terminate()
    await rm(task.folder, { recursive: true, force: true })
  }
}

function outcomeOf(worker: Worker, { limits, signal, clock, onLog, onProgress }: StepProcessOptions): Promise<StepOutcome> {
  const ended = new AbortController()
  const outcome = new Promise<StepOutcome>((resolve) => {
    worker.on('message', (message: FromStep) => {
      if (message.kind === 'log') onLog(message.level, message.message)
      else if (message.kind === 'progress') onProgress(message)
      else resolve(message)
    })
    worker.on('error', (thrown) => resolve(crashOf(thrown, limits.memoryMb)))
    worker.on('exit', (code) => resolve(failed('step_crashed', `its thread ended with code ${code} before the step did`)))
    worker.stdout.on('data', (text: Buffer) => onLog('debug', text.toString().trimEnd()))
    worker.stderr.on('data', (text: Buffer) => onLog('warn', text.toString().trimEnd()))
    const after = (ms: number, then: () => void) => void clock.sleep(ms, ended.signal).then(then, () => {})
    after(limits.timeoutMs, () => resolve(failed('step_timeout', `it took longer than its limit of ${limits.timeoutMs} ms`)))
    const look = async () => {
      const heap = await worker.getHeapStatistics()
      // typed arrays and WASM memory lie outside of the heap that resourceLimits bounds
      const used = (heap.used_heap_size + heap.external_memory) / MIB
      if (used > limits.memoryMb)
        resolve(failed('step_crashed', `it used ${Math.round(used)} MB of memory, its limit is ${limits.memoryMb} MB`))
      else after(LOOK_EVERY, again)
    }
    const again = () => void look().catch(() => {})
    after(LOOK_EVERY, again)
    const abort = () => {
      const reason = signal.reason instanceof Error ? signal.reason.message : String(signal.reason)
      worker.postMessage({ kind: 'abort', reason } satisfies ToStep)
      after(GRACE, () => resolve({ kind: 'cancelled', reason }))
    }
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true, signal: ended.signal })
  })
  return outcome
    .then((found): StepOutcome => (signal.aborted && found.kind === 'failed' ? { kind: 'cancelled', reason: found.failure.detail } : found))
    .finally(() => ended.abort())
}
