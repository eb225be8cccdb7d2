/** Whether training is to rest, for whoever trains: asked at the start, told of each change. */
export type Pausing = {
  readonly paused: boolean
  /** Calls the listener with each change, which counts as done when it has; returns what ends that. */
  follow(listener: (paused: boolean) => Promise<void>): () => void
}

/** `set` resolves when whoever follows has done as told. */
export function createPausing(): Pausing & { set(paused: boolean): Promise<void> } {
  const listeners = new Set<(paused: boolean) => Promise<void>>()
  let now = false
  return {
    get paused() {
      return now
    },
    follow(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    async set(paused) {
      if (now === paused) return
      now = paused
      await Promise.all([...listeners].map((listener) => listener(paused)))
    },
  }
}
