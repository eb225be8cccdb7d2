import { type Endpoint, type Remote, releaseProxy, transfer, wrap } from 'comlink'
import type { Clock } from '../core/clock.ts'
import { AppError } from '../core/errors.ts'
import { buffersOf, openReply, type WireApi, type WireReply } from './serve-worker.ts'

/** A worker as this file needs it: the browser's Worker, or an adapter over Node's. */
export type WorkerLike = Endpoint & { terminate(): void }

export type WorkerCallOptions = {
  readonly signal?: AbortSignal
  /** After which the worker counts as hung and is replaced; infinite for a call that waits for something to happen. */
  readonly timeoutMs?: number
  /** Moves the buffers of these arguments instead of copying them. */
  readonly moves?: unknown
}

type Method = (...args: never[]) => Promise<unknown>

export type WorkerConnection<Api> = {
  /**
   * Calls a method. Rejects with the method's own AppError, `worker_died` when the worker ends first, `timeout`, `aborted` (the worker finishes what it
   * began; its answer is dropped), or `protocol_mismatch`.
   */
  call<K extends keyof Api & string>(
    method: K,
    args: Api[K] extends (...args: infer A) => Promise<unknown> ? A : never,
    options?: WorkerCallOptions,
  ): Promise<Awaited<ReturnType<Extract<Api[K], Method>>>>
  /** Rises with each death: what was loaded in an earlier generation is gone. */
  readonly generation: number
  /** Ends the worker; pending calls reject with worker_died. A later call starts a new one. */
  kill(why: string): void
  /** Ends the worker for good. */
  dispose(): void
}

export type ConnectWorkerOptions = {
  readonly spawn: () => WorkerLike
  readonly protocol: number
  readonly clock: Clock
  readonly timeoutMs?: number
  readonly handshakeMs?: number
}

const FIRST_BACKOFF_MS = 250
const LONGEST_BACKOFF_MS = 30_000

type Live = {
  readonly worker: WorkerLike
  readonly remote: Remote<WireApi>
  readonly died: Promise<never>
  readonly die: (error: AppError) => void
}

/**
 * What comlink leaves out: a handshake with the protocol version, a time limit for each call, AbortSignal, rejection of pending calls when the worker
 * dies, restart with growing pauses while it keeps dying, and coded errors.
 *
 * @example
 * const worker = connectWorker<InferenceApi>({ spawn: () => new Worker(url, { type: 'module' }), protocol: INFERENCE_PROTOCOL, clock: systemClock })
 * const answer = await worker.call('predict', [handle, pixels], { timeoutMs: 10_000, signal })
 */
export function connectWorker<Api>(options: ConnectWorkerOptions): WorkerConnection<Api> {
  const { clock, protocol, timeoutMs: usualTimeout = 60_000, handshakeMs = 20_000 } = options
  let starting: Promise<Live> | undefined
  let current: Live | undefined
  let generation = 1
  let deaths = 0
  let disposed = false

  function end(live: Live, why: string): void {
    if (current !== live) return
    current = undefined
    starting = undefined
    deaths++
    generation++
    live.die(new AppError('worker_died', why))
    live.worker.terminate()
  }

  async function start(): Promise<Live> {
    if (deaths > 0) await clock.sleep(Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (deaths - 1)))
    if (disposed) throw new AppError('worker_died', 'the worker was disposed of')
    const worker = options.spawn()
    const { promise: died, reject: die } = Promise.withResolvers<never>()
    died.catch(() => undefined)
    const live: Live = { worker, remote: wrap<WireApi>(worker), died, die }
    current = live
    worker.addEventListener('error', (event) => end(live, `the worker failed: ${(event as ErrorEvent).message ?? 'no reason given'}`))
    worker.addEventListener('messageerror', () => end(live, 'a message from the worker could not be read'))
    const hello = await within(live, live.remote.hello(), { timeoutMs: handshakeMs }, 'the handshake')
    if (hello.protocol !== protocol) {
      end(live, 'it speaks another protocol')
      throw new AppError('protocol_mismatch', `the worker speaks protocol ${hello.protocol}, this page ${protocol}: reload the page`)
    }
    return live
  }

  /** The answer, or the first of: the worker's death, the time limit, the caller's abort. */
  async function within<T>(
    live: Live,
    answer: Promise<T>,
    { signal, timeoutMs = usualTimeout }: WorkerCallOptions,
    what: string,
  ): Promise<T> {
    if (signal?.aborted) throw new AppError('aborted', `${what} was aborted`, { cause: signal.reason })
    const finished = new AbortController()
    const { promise: limit, reject: exceed } = Promise.withResolvers<never>()
    const hung = () => {
      // in this order: the caller hears of the time limit, the other callers of the death that follows from it
      exceed(new AppError('timeout', `${what} took longer than ${timeoutMs} ms`))
      end(live, `${what} took longer than ${timeoutMs} ms`)
    }
    if (Number.isFinite(timeoutMs)) clock.sleep(timeoutMs, finished.signal).then(hung, () => undefined)
    answer.catch(() => undefined)
    const { promise: aborted, reject: abort } = Promise.withResolvers<never>()
    const onAbort = () => abort(new AppError('aborted', `${what} was aborted`, { cause: signal?.reason }))
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      return await Promise.race([limit, answer, live.died, aborted])
    } finally {
      signal?.removeEventListener('abort', onAbort)
      finished.abort()
    }
  }

  const connection = {
    get generation() {
      return generation
    },
    async call(method: string, args: readonly unknown[], callOptions: WorkerCallOptions = {}): Promise<unknown> {
      if (disposed) throw new AppError('worker_died', 'the worker was disposed of')
      starting ??= start().catch((thrown: unknown) => {
        starting = undefined
        throw thrown
      })
      const live = await starting
      const sent = callOptions.moves === undefined ? [...args] : transfer([...args], buffersOf(callOptions.moves))
      const reply = await within(live, live.remote.call(method, sent) as Promise<WireReply>, callOptions, method)
      deaths = 0
      return openReply(reply)
    },
    kill(why: string) {
      if (current) end(current, why)
    },
    dispose() {
      disposed = true
      if (!current) return
      const live = current
      end(live, 'the worker was disposed of')
      live.remote[releaseProxy]()
    },
  }
  return connection as WorkerConnection<Api>
}
