import { mkdir, rm } from 'node:fs/promises'
import { MessageChannel } from 'node:worker_threads'
import type { Clock } from '../../shared/core/clock.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import type { StepLimits, StepResult } from './component.ts'
import { serveBridge } from './fetch-bridge.ts'
import type { LogLevel } from './run-log-store.ts'
import { serveBlobs } from './step-blobs.ts'
import type { FromWorker, StepFailure, StepPoint, StepTask, ToWorker } from './step-protocol.ts'
import type { LentWorker, WorkerListener, WorkerPool } from './worker-pool.ts'

export type StepOutcome =
  | { readonly kind: 'done'; readonly result: StepResult }
  | { readonly kind: 'failed'; readonly failure: StepFailure }
  | { readonly kind: 'cancelled'; readonly reason: string }

export type StepProcessOptions = {
  readonly workers: WorkerPool
  readonly task: StepTask
  readonly limits: StepLimits
  readonly clock: Clock
  readonly blobs: BlobStore
  /** Answers the step's requests to the API. */
  readonly request: (request: Request) => Promise<Response>
  readonly signal: AbortSignal
  readonly onLog: (level: LogLevel, message: string) => void
  readonly onMetrics: (points: readonly StepPoint[]) => void
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
 * Runs one step in a thread that no other step uses meanwhile. Whatever the step does - throws, never ends, exits, eats memory - ends here as an outcome; unless it
 * ended well and left nothing behind, its thread is gone. A request to abort is passed on; a step that does not heed it within two seconds is ended.
 */
export async function runStepProcess(options: StepProcessOptions): Promise<StepOutcome> {
  const { task, limits, workers } = options
  await makeEmpty(task.folder)
  const api = new MessageChannel()
  const blobs = new MessageChannel()
  const closeBridge = serveBridge(api.port1, options.request)
  serveBlobs(blobs.port1, options.blobs)
  const ended = new AbortController()
  let lent: LentWorker | undefined
  let clean = false
  try {
    const outcome = await new Promise<StepOutcome>((resolve) => {
      const taken = workers.lend(limits.memoryMb, listenerOf(options, resolve))
      lent = taken
      const given: ToWorker = { kind: 'step', task, api: api.port2, blobs: blobs.port2 }
      taken.worker.postMessage(given, [api.port2, blobs.port2])
      watch(taken, options, ended.signal, resolve)
    })
    clean = outcome.kind === 'done'
    return options.signal.aborted && outcome.kind === 'failed' ? { kind: 'cancelled', reason: outcome.failure.detail } : outcome
  } finally {
    ended.abort()
    closeBridge()
    blobs.port1.close()
    await lent?.release(clean)
    await rm(task.folder, { recursive: true, force: true })
  }
}

async function makeEmpty(folder: string): Promise<void> {
  // nothing is made where there is something: what an attempt that was killed has left
  if ((await mkdir(folder, { recursive: true })) !== undefined) return
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder)
}

/** What the worker's own words and its death mean for the step. */
function listenerOf(
  { task, limits, onLog, onMetrics, onProgress }: StepProcessOptions,
  resolve: (outcome: StepOutcome) => void,
): WorkerListener {
  return {
    onMessage: (said: FromWorker) => {
      // of a step before, from what it did not wait for
      if (said.kind !== 'said' || said.step !== task.step) return
      const { message } = said
      if (message.kind === 'log') onLog(message.level, message.message)
      else if (message.kind === 'metrics') onMetrics(message.points)
      else if (message.kind === 'progress') onProgress(message)
      else resolve(message)
    },
    onText: (stream, text) => onLog(stream === 'stdout' ? 'debug' : 'warn', text),
    onError: (thrown) => resolve(crashOf(thrown, limits.memoryMb)),
    onExit: (code) => resolve(failed('step_crashed', `its thread ended with code ${code} before the step did`)),
  }
}

/** Holds the step to its limits of time and memory, and passes on a request to abort. */
function watch(
  { worker }: LentWorker,
  { task, limits, clock, signal }: StepProcessOptions,
  ended: AbortSignal,
  resolve: (outcome: StepOutcome) => void,
): void {
  const after = (ms: number, then: () => void) => void clock.sleep(ms, ended).then(then, () => {})
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
    worker.postMessage({ kind: 'abort', step: task.step, reason } satisfies ToWorker)
    after(GRACE, () => resolve({ kind: 'cancelled', reason }))
  }
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true, signal: ended })
}
