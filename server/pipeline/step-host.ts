import { once } from 'node:events'
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import { systemClock } from '../../shared/core/clock.ts'
import type { StepId } from '../../shared/core/ids.ts'
import type { FromHost, FromWorker, GivenStep, PortName, ToHost } from './step-protocol.ts'

// The process around one worker. A heap that overflows, or native code that fails, ends a whole process and not only the thread it happens in: this one, and never
// the server. Its own thread stays free, whatever the step does: it measures, passes messages on, and ends everything when the server is gone.

/** How often the worker's memory is told, in milliseconds. */
const LOOK_EVERY = 500

const memoryMb = Number(process.argv[2])
const tell = (message: FromHost): void => void (process.connected && process.send?.(message))

const worker = new Worker(new URL('./step-worker.ts', import.meta.url), {
  execArgv: ['--disable-warning=ExperimentalWarning'],
  resourceLimits: { maxOldGenerationSizeMb: memoryMb },
  stdout: true,
  stderr: true,
})
let given: { readonly step: StepId; readonly ports: Readonly<Record<PortName, MessagePort>> } | undefined

/** Its end of a port goes to the worker, and closes this one when the step is over. */
function openPort(step: StepId, name: PortName): { readonly mine: MessagePort; readonly its: MessagePort } {
  const { port1, port2 } = new MessageChannel()
  port1.on('message', (message: unknown) => tell({ kind: 'port', step, port: name, message }))
  return { mine: port1, its: port2 }
}

process.on('message', (message: ToHost) => {
  if (message.kind === 'step') {
    const { step } = message.task
    const [api, blobs] = [openPort(step, 'api'), openPort(step, 'blobs')]
    given = { step, ports: { api: api.mine, blobs: blobs.mine } }
    worker.postMessage({ kind: 'step', task: message.task, api: api.its, blobs: blobs.its } satisfies GivenStep, [api.its, blobs.its])
  } else if (message.kind === 'abort') worker.postMessage(message)
  else if (message.step === given?.step) given.ports[message.port].postMessage(message.message)
})
// the server is gone, by kill -9 perhaps: nobody is to go on with what the next one takes up
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
// meant for the server, which ends its steps in its own order
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

worker.on('message', (message: FromWorker) => tell(message))
for (const stream of ['stdout', 'stderr'] as const)
  worker[stream].on('data', (text: Buffer) => tell({ kind: 'text', stream, text: text.toString().trimEnd() }))
worker.on('error', (thrown) => {
  const { code, message, stack } = thrown as { code?: string; message?: string; stack?: string }
  tell({ kind: 'died', outOfMemory: code === 'ERR_WORKER_OUT_OF_MEMORY', message: message ?? String(thrown), stack })
})

async function tellMemory(): Promise<void> {
  for (;;) {
    await systemClock.sleep(LOOK_EVERY)
    const { used_heap_size, external_memory } = await worker.getHeapStatistics()
    // typed arrays and WASM memory lie outside of the heap that resourceLimits bounds
    if (given !== undefined) tell({ kind: 'memory', step: given.step, bytes: used_heap_size + external_memory })
  }
}
// a worker that has ended has no memory to tell
void tellMemory().catch(() => {})

const [code] = (await once(worker, 'exit')) as [number]
tell({ kind: 'ended', code })
process.disconnect()
