import { AppError } from '../core/errors.ts'

/**
 * One start of a backend, to its loss. A GPU can go away at any time (driver update, sleep, a watchdog); everything that lay on it is gone then, and what
 * waits for it must hear of it instead of waiting for ever.
 */
export type BackendLife = {
  /** Why the backend ended; undefined while it lives. */
  readonly lost: AppError | undefined
  /** Runs `work`; rejects with device_lost when the backend ends first, or has ended, and with out_of_memory where the GPU said so meanwhile. */
  within<T>(work: () => Promise<T>): Promise<T>
  /** Calls once when the backend ends, at once where it has; gives back how to stop waiting. */
  onLost(listener: (error: AppError) => void): () => void
}

export type LifeControl = {
  readonly life: BackendLife
  end(error: AppError): void
  /** Something went wrong that costs the computations under way, not the backend. */
  fault(error: AppError): void
}

/** Buffers that are read back are given up by a device that goes away, often before it tells that it does. An AppError is none of these: an abort that was asked for. */
function givenUp(thrown: unknown): AppError | undefined {
  const { name, message } = (thrown ?? {}) as { name?: unknown; message?: unknown }
  if (name !== 'AbortError' || !/mapAsync|GPUBuffer/.test(String(message))) return undefined
  return new AppError('device_lost', `the GPU device gave up what it computed: ${String(message)}`, { cause: thrown })
}

export function beginLife(): LifeControl {
  const listeners = new Set<(error: AppError) => void>()
  let lost: AppError | undefined
  let faults = 0
  let fault: AppError | undefined
  const end = (error: AppError): void => {
    if (lost !== undefined) return
    lost = error
    for (const listener of listeners) listener(error)
    listeners.clear()
  }
  const life: BackendLife = {
    get lost() {
      return lost
    },
    onLost(listener) {
      if (lost !== undefined) listener(lost)
      else listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    async within(work) {
      if (lost !== undefined) throw lost
      const before = faults
      const { promise: ended, reject } = Promise.withResolvers<never>()
      const stop = life.onLost(reject)
      try {
        const answer = await Promise.race([work(), ended])
        // the numbers of a computation that had no memory are not those of the model
        if (fault !== undefined && faults !== before) throw fault
        return answer
      } catch (thrown) {
        const gone = givenUp(thrown)
        // or the next try would be given the device that is going
        if (gone !== undefined) end(gone)
        throw lost ?? thrown
      } finally {
        stop()
      }
    },
  }
  return {
    life,
    end,
    fault(error) {
      faults++
      fault = error
    },
  }
}

/** That of a backend that cannot be lost. */
export const lasting: BackendLife = { lost: undefined, within: (work) => work(), onLost: () => () => undefined }
