import { Worker } from 'node:worker_threads'
import { systemClock } from '../../shared/core/clock.ts'
import type { StepId } from '../../shared/core/ids.ts'
import { endGroup } from './process-group.ts'
import type { FromHost, FromWorker, ToWorker } from './step-protocol.ts'
import { MAX_PROCESS_BYTES } from './worker-traces.ts'

// The process around one worker. A heap that overflows, or native code that fails, ends a whole process and not only the thread it happens in: this one, and never
// the server. Its own thread stays free, whatever the step does: it measures, passes messages on, replaces a worker that a step has left something in, and ends
// everything when the server is gone.

/** How often the worker's memory is told, in milliseconds. */
const LOOK_EVERY = 500

const memoryMb = Number(process.argv[2])
const tell = (message: FromHost): void => void (process.connected && process.send?.(message))

let worker: Worker | undefined
let given: StepId | undefined

function start(): void {
  const started = new Worker(new URL('./step-worker.ts', import.meta.url), {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    resourceLimits: { maxOldGenerationSizeMb: memoryMb },
    stdout: true,
    stderr: true,
  })
  worker = started
  started.on('message', (message: FromWorker) => {
    if (message.kind === 'spent') void replace(started, message.why)
    else tell(message)
  })
  for (const stream of ['stdout', 'stderr'] as const)
    started[stream].on('data', (text: Buffer) => tell({ kind: 'text', stream, text: text.toString().trimEnd() }))
  started.on('error', (thrown) => {
    const { code, message, stack } = thrown as { code?: string; message?: string; stack?: string }
    tell({ kind: 'died', outOfMemory: code === 'ERR_WORKER_OUT_OF_MEMORY', message: message ?? String(thrown), stack })
  })
  started.on('exit', (code) => {
    if (worker !== started) return
    tell({ kind: 'ended', code })
    process.disconnect()
  })
}

/** What a step has left in its thread goes with the thread; a new one starts in half the time of a process. */
async function replace(left: Worker, why: string): Promise<void> {
  given = undefined
  worker = undefined
  await left.terminate()
  if (process.memoryUsage.rss() > MAX_PROCESS_BYTES) tell({ kind: 'spent', why })
  else start()
}

process.on('message', (message: ToWorker) => {
  if (message.kind === 'step') given = message.task.step
  worker?.postMessage(message)
})
// the server is gone, by kill -9 perhaps: nobody is to go on with what the next one takes up
process.on('disconnect', () => endGroup(process))
// meant for the server, which ends its steps in its own order
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

start()
for (;;) {
  await systemClock.sleep(LOOK_EVERY)
  if (given === undefined || worker === undefined) continue
  const step = given
  // one that has ended meanwhile has no memory to tell
  const used = await worker.getHeapStatistics().catch(() => undefined)
  // typed arrays and WASM memory lie outside of the heap that resourceLimits bounds
  if (used !== undefined) tell({ kind: 'memory', step, bytes: used.used_heap_size + used.external_memory })
}
