import { AppError } from '../../shared/core/errors.ts'

/** Mutual exclusion by name, across tabs where the platform can. */
export type Locks = {
  /** Runs `work` while it holds `name`, after those who asked before. Rejects with `aborted` when the signal ends the wait. */
  hold<T>(name: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T>
  /** Runs `work` if nobody holds `name` now; undefined otherwise. */
  tryHold<T>(name: string, work: () => Promise<T>): Promise<T | undefined>
}

const aborted = (signal: AbortSignal) => new AppError('aborted', 'the wait for a lock was aborted', { cause: signal.reason })

/** The Web Locks API: shared by all tabs and workers of the origin, released when a tab dies. */
export const webLocks = (manager: LockManager): Locks => ({
  async hold(name, work, signal) {
    let started = false
    const run = () => {
      started = true
      return work()
    }
    try {
      return await manager.request(name, signal ? { signal } : {}, run)
    } catch (thrown) {
      if (!started && signal?.aborted) throw aborted(signal)
      throw thrown
    }
  },
  tryHold: (name, work) => manager.request(name, { ifAvailable: true }, async (lock) => (lock === null ? undefined : work())),
})

/** Locks among those who share this object: the tabs of a simulated device. */
export function memoryLocks(): Locks {
  const tails = new Map<string, Promise<void>>()
  const run = async <T>(name: string, before: Promise<void>, work: () => Promise<T>, signal?: AbortSignal): Promise<T> => {
    let release = () => {}
    const mine = new Promise<void>((resolve) => {
      release = resolve
    })
    const tail = before.then(() => mine)
    tails.set(name, tail)
    try {
      await before
      if (signal?.aborted) throw aborted(signal)
      return await work()
    } finally {
      release()
      if (tails.get(name) === tail) tails.delete(name)
    }
  }
  return {
    hold: (name, work, signal) => run(name, tails.get(name) ?? Promise.resolve(), work, signal),
    tryHold: async (name, work) => (tails.has(name) ? undefined : run(name, Promise.resolve(), work)),
  }
}
