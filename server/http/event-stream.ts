import type { Clock } from '../../shared/core/clock.ts'
import { utf8 } from '../../shared/core/bytes.ts'

/** Comment lines keep proxies from closing a quiet stream, and let us find out that the other side has gone. */
const HEARTBEAT_MS = 15_000
/** Events that may wait for a slow reader; then its stream ends, and it connects anew. */
const MAX_WAITING = 256

export type EventStreamOptions<T> = {
  readonly clock: Clock
  /** Ends the stream: the request's, or the server's when it stops. */
  readonly signals: readonly AbortSignal[]
  /** Starts listening; gives back what ends it. */
  readonly subscribe: (send: (data: T) => void) => () => void
}

/** Server-sent events (html.spec.whatwg.org/multipage/server-sent-events.html). */
export function eventStream<T>({ clock, signals, subscribe }: EventStreamOptions<T>): Response {
  const ended = new AbortController()
  const body = new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        const write = (text: string): void => {
          if (ended.signal.aborted) return
          if ((controller.desiredSize ?? 0) <= 0) return ended.abort()
          controller.enqueue(utf8(text))
        }
        const unsubscribe = subscribe((data) => write(`data: ${JSON.stringify(data)}\n\n`))
        ended.signal.addEventListener('abort', () => {
          unsubscribe()
          try {
            controller.close()
          } catch {
            // the reader has cancelled already
          }
        })
        for (const signal of signals) {
          if (signal.aborted) ended.abort()
          else signal.addEventListener('abort', () => ended.abort(), { once: true, signal: ended.signal })
        }
        write('retry: 2000\n\n')
        void (async () => {
          while (!ended.signal.aborted) {
            await clock.sleep(HEARTBEAT_MS, ended.signal).catch(() => {})
            write(': still here\n\n')
          }
        })()
      },
      cancel: () => ended.abort(),
    },
    { highWaterMark: MAX_WAITING },
  )
  return new Response(body, { headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' } })
}
