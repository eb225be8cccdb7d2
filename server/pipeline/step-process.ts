import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import type { Clock } from '../../shared/core/clock.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import type { StepLimits, StepResult } from './component.ts'
import { serveBridge } from './fetch-bridge.ts'
import type { LogLevel } from './run-log-store.ts'
import { serveBlobs } from './step-blobs.ts'
import type { FromWorker, StepFailure, StepPoint, StepTask } from './step-protocol.ts'
import type { LentWorker, WorkerEnd, WorkerListener, WorkerPool } from './worker-pool.ts'

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
  /** Resolves when what the step follows from is on the disk: it does not begin before. */
  readonly durable: () => Promise<void>
  /** Told when a worker has the step, whose module it then loads. */
  readonly onGiven: () => Promise<void>
  readonly onLog: (level: LogLevel, message: string) => void
  readonly onMetrics: (points: readonly StepPoint[]) => void
  readonly onProgress: (progress: { done: number; total: number; note: string }) => void
}

/** How long a worker may take to end after it was asked to, in milliseconds. */
const GRACE = 2000

const MIB = 1024 * 1024
/** Why nobody waits any longer. Without a reason each abort makes an exception with its stack, in a tenth of a millisecond. */
const OVER = 'the step has ended'

const failed = (code: StepFailure['code'], detail: string): StepOutcome => ({ kind: 'failed', failure: { code, detail, issues: [] } })

/** What a worker's end says of its step. */
function crashOf(end: WorkerEnd, memoryMb: number): StepOutcome {
  if (end.kind === 'memory') return failed('step_crashed', `it used more than its ${memoryMb} MB of memory`)
  if (end.kind === 'code') return failed('step_crashed', `its thread ended with code ${end.code} before the step did`)
  if (end.kind === 'signal') return failed('step_crashed', `its process was ended by ${end.signal} before the step was`)
  const { message, stack } = end
  const detail = `it died of an error nobody caught: ${message}`
  return { kind: 'failed', failure: { code: 'step_crashed', detail, issues: [], ...(stack === undefined ? {} : { stack }) } }
}

/**
 * Runs one step in a process that no other step uses meanwhile. Whatever the step does - throws, never ends, exits, eats memory, falls in native code - ends here as
 * an outcome; unless it ended well and left nothing behind, its process is gone. A request to abort is passed on; a step that does not heed it within two seconds is ended.
 */
export async function runStepProcess(options: StepProcessOptions): Promise<StepOutcome> {
  const { task, limits, workers } = options
  const ended = new AbortController()
  let closeBridge = () => {}
  let lent: LentWorker | undefined
  let clean = false
  const close = () => {
    ended.abort(OVER)
    closeBridge()
    // nobody waits for it, and what it cannot remove is removed at the next start; most steps have none, and looking costs less than removing nothing
    if (existsSync(task.folder)) void rm(task.folder, { recursive: true, force: true }).catch(() => {})
  }
  try {
    const { promise, resolve } = Promise.withResolvers<StepOutcome>()
    lent = await workers.lend({ limit: limits.memoryMb, step: task.step, module: task.module, listener: listenerOf(options, resolve) })
    closeBridge = serveBridge(lent.port('api'), options.request)
    serveBlobs(lent.port('blobs'), options.blobs)
    await options.durable()
    lent.send({ kind: 'step', task })
    watch(lent, options, ended.signal, resolve)
    await options.onGiven()
    const outcome = await promise
    clean = outcome.kind === 'done'
    return options.signal.aborted && outcome.kind === 'failed' ? { kind: 'cancelled', reason: outcome.failure.detail } : outcome
  } finally {
    // a step that failed has ended when its process has
    await lent?.release(clean)
    // the record of its end comes first
    setImmediate(close)
  }
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
    onMemory: (bytes) => {
      const used = bytes / MIB
      if (used > limits.memoryMb)
        resolve(failed('step_crashed', `it used ${Math.round(used)} MB of memory, its limit is ${limits.memoryMb} MB`))
    },
    onEnd: (end) => resolve(crashOf(end, limits.memoryMb)),
  }
}

/** Holds the step to its limit of time, and passes on a request to abort. */
function watch(
  lent: LentWorker,
  { task, limits, clock, signal }: StepProcessOptions,
  ended: AbortSignal,
  resolve: (outcome: StepOutcome) => void,
): void {
  const after = (ms: number, then: () => void) => void clock.sleep(ms, ended).then(then, () => {})
  after(limits.timeoutMs, () => resolve(failed('step_timeout', `it took longer than its limit of ${limits.timeoutMs} ms`)))
  const abort = () => {
    const reason = signal.reason instanceof Error ? signal.reason.message : String(signal.reason)
    lent.send({ kind: 'abort', step: task.step, reason })
    after(GRACE, () => resolve({ kind: 'cancelled', reason }))
  }
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true, signal: ended })
}
