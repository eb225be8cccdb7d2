import type { Clock } from '../../shared/core/clock.ts'
import type { Random } from '../../shared/core/random.ts'

export type BellOptions = {
  readonly url: string
  readonly clock: Clock
  readonly random: Random
  readonly signal: AbortSignal
  readonly hidden: () => boolean
  readonly ring: () => void
}

/** Devices that hear the bell together must not ask together. */
const SPREAD_MS = 3000

/**
 * Listens for "a release has changed" (server-sent events). A convenience over polling: nothing is lost when it is not heard. A hidden page hangs up, since browsers allow
 * few connections to one origin.
 */
export function listenToBell({ url, clock, random, signal, hidden, ring }: BellOptions): void {
  if (typeof EventSource === 'undefined') return
  let source: EventSource | undefined
  let waiting = false
  const close = () => {
    source?.close()
    source = undefined
  }
  const heard = async () => {
    if (waiting) return
    waiting = true
    await clock.sleep(random.uniform() * SPREAD_MS, signal)
    waiting = false
    ring()
  }
  const listen = () => {
    if (hidden() || signal.aborted) return close()
    if (source) return
    source = new EventSource(`${url}/v1/bell`)
    source.addEventListener('message', () => void heard().catch(() => undefined))
  }
  document.addEventListener('visibilitychange', listen, { signal })
  signal.addEventListener('abort', close)
  listen()
}
