import { Worker } from 'node:worker_threads'
import type { Clock } from '../../shared/core/clock.ts'
import type { FromWorker } from './step-protocol.ts'

export type WorkerPoolOptions = {
  readonly clock: Clock
  /** Workers that wait for a step. */
  readonly idle: number
  /** The memory that they may use, in MB; a step with another limit gets a worker that is not shared. */
  readonly memoryMb: number
}

/** What the step that a worker runs wants to hear. */
export type WorkerListener = {
  onMessage(message: FromWorker): void
  onText(stream: 'stdout' | 'stderr', text: string): void
  onError(thrown: unknown): void
  onExit(code: number): void
}

type Member = {
  readonly worker: Worker
  readonly memoryMb: number
  listener: WorkerListener | undefined
  /** A new worker is ready as soon as it is started: what it is sent waits for it. */
  state: 'ready' | 'busy' | 'checking' | 'gone'
  /** Aborted when the check after a step has ended. */
  checked: AbortController
}

export type LentWorker = {
  readonly worker: Worker
  /** At the step's end: with `clean`, the worker is kept if it then says that nothing of the step is left in it. In all other cases it ends. */
  release(clean: boolean): Promise<void>
}

/** How long a worker may take to look for what its step has left, in milliseconds. */
const CHECK_WITHIN = 2000

/**
 * Threads for steps, started before they are needed. A worker runs one step at a time and takes another only if the last ended well and left no
 * trace (worker-traces.ts); one that was ended, died, failed or is spent is never used again.
 */
export function createWorkerPool({ clock, idle, memoryMb }: WorkerPoolOptions) {
  const members = new Set<Member>()
  let closed = false

  function start(limit: number): Member {
    const worker = new Worker(new URL('./step-worker.ts', import.meta.url), {
      // the server's own flags (a test runner's, a debugger's) are not the step's
      execArgv: ['--disable-warning=ExperimentalWarning'],
      resourceLimits: { maxOldGenerationSizeMb: limit },
      stdout: true,
      stderr: true,
    })
    const member: Member = { worker, memoryMb: limit, listener: undefined, state: 'ready', checked: new AbortController() }
    members.add(member)
    worker.unref()
    worker.on('message', (message: FromWorker) => {
      if (message.kind === 'said') member.listener?.onMessage(message)
      else if (message.kind === 'spent') void end(member)
      else if (member.state === 'checking') keep(member)
    })
    worker.on('error', (thrown) => {
      member.listener?.onError(thrown)
      drop(member)
    })
    worker.on('exit', (code) => {
      member.listener?.onExit(code)
      drop(member)
    })
    for (const stream of ['stdout', 'stderr'] as const)
      worker[stream].on('data', (text: Buffer) => member.listener?.onText(stream, text.toString().trimEnd()))
    return member
  }

  function drop(member: Member): void {
    member.state = 'gone'
    member.checked.abort()
    members.delete(member)
  }

  async function end(member: Member): Promise<void> {
    drop(member)
    await member.worker.terminate()
    fill()
  }

  const waiting = () => [...members].filter(({ state }) => state === 'ready' || state === 'checking').length

  function keep(member: Member): void {
    member.checked.abort()
    if (closed || waiting() > idle) void end(member)
    else member.state = 'ready'
  }

  /** Starts what is missing. */
  function fill(): void {
    while (!closed && waiting() < idle) start(memoryMb)
  }

  return {
    fill,

    lend(limit: number, listener: WorkerListener): LentWorker {
      const found = [...members].find((member) => member.state === 'ready' && member.memoryMb === limit) ?? start(limit)
      found.state = 'busy'
      found.listener = listener
      found.worker.ref()
      return {
        worker: found.worker,
        release: async (clean) => {
          found.listener = undefined
          found.worker.unref()
          if (!clean || closed || found.state === 'gone' || limit !== memoryMb) return end(found)
          found.state = 'checking'
          fill()
          found.checked = new AbortController()
          void clock.sleep(CHECK_WITHIN, found.checked.signal).then(
            () => end(found),
            () => {},
          )
        },
      }
    },

    async close(): Promise<void> {
      closed = true
      await Promise.all([...members].map(end))
    },
  }
}

export type WorkerPool = ReturnType<typeof createWorkerPool>
