/** Typed events: `on` returns how to stop listening. A listener that throws does not keep the others from hearing. */
export type Emitter<Events> = {
  on<K extends keyof Events>(name: K, listener: (event: Events[K]) => void): () => void
  emit<K extends keyof Events>(name: K, event: Events[K]): void
}

export function createEmitter<Events>(): Emitter<Events> {
  const listeners = new Map<keyof Events, Set<(event: never) => void>>()
  return {
    on(name, listener) {
      const set = listeners.get(name) ?? new Set()
      listeners.set(name, set)
      set.add(listener)
      return () => void set.delete(listener)
    },
    emit(name, event) {
      for (const listener of [...(listeners.get(name) ?? [])]) {
        try {
          ;(listener as (event: Events[typeof name]) => void)(event)
        } catch (thrown) {
          // surfaces as the app's own uncaught error, without stopping ours
          queueMicrotask(() => {
            throw thrown
          })
        }
      }
    },
  }
}
