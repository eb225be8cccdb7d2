import type { Clock } from '../shared/core/clock.ts'
import type { Json } from '../shared/core/json.ts'

export type ServerEvent = { readonly type: string; readonly at: number; readonly subject: string; readonly data: Json }

/** What happened, told to whoever listens in this process. Published after the transaction that made it true. */
export type EventBus = {
  publish(event: { readonly type: string; readonly subject: string; readonly data: Json }): void
  /** Gives back what ends the subscription. */
  subscribe(listener: (event: ServerEvent) => void): () => void
}

/** A listener that throws loses its event; `onError` hears of it, the other listeners and the publisher do not. */
export function createEventBus({ clock, onError }: { readonly clock: Clock; readonly onError: (thrown: unknown) => void }): EventBus {
  const listeners = new Set<(event: ServerEvent) => void>()
  return {
    publish: ({ type, subject, data }) => {
      const event: ServerEvent = { type, at: clock.now(), subject, data }
      for (const listener of [...listeners]) {
        try {
          listener(event)
        } catch (thrown) {
          onError(thrown)
        }
      }
    },
    subscribe: (listener) => {
      // wrapped, so that the same function subscribed twice hears twice
      const own = (event: ServerEvent) => listener(event)
      listeners.add(own)
      return () => void listeners.delete(own)
    },
  }
}
