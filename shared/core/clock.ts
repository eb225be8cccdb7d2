/** Time as a parameter. `now` is wall time in epoch milliseconds; `monotonic` never goes back and has no fixed origin. */
export type Clock = {
  now(): number
  monotonic(): number
  /** Resolves after `ms` of this clock's time; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const onAbort = () => {
        clearTimeout(timer)
        reject(signal?.reason)
      }
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }, ms)
      signal?.addEventListener('abort', onAbort, { once: true })
    }),
}

/** A clock that moves only when told to, for simulations and tests. */
export type ManualClock = Clock & { advance(ms: number): Promise<void> }

export function manualClock(start = Date.UTC(2026, 0, 1)): ManualClock {
  let now = start
  let sleepers: { at: number; wake: () => void }[] = []
  return {
    now: () => now,
    monotonic: () => now - start,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason)
        const sleeper = { at: now + ms, wake: resolve }
        sleepers.push(sleeper)
        signal?.addEventListener(
          'abort',
          () => {
            sleepers = sleepers.filter((other) => other !== sleeper)
            reject(signal.reason)
          },
          { once: true },
        )
      }),
    async advance(ms) {
      const end = now + ms
      for (;;) {
        const next = sleepers.filter((s) => s.at <= end).sort((a, b) => a.at - b.at)[0]
        if (!next) break
        sleepers = sleepers.filter((s) => s !== next)
        now = Math.max(now, next.at)
        next.wake()
        // lets what was waiting run, so that its next sleep is seen before time moves on
        for (let i = 0; i < 10; i++) await Promise.resolve()
      }
      now = end
    },
  }
}
