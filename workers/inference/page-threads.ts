import { AppError } from '../../shared/core/errors.ts'
import type { TrainingThreads } from '../../shared/compute/training-threads.ts'

/** Workers of the worker that trains, `count` threads with its own. */
export const pageThreads = (count: number): TrainingThreads => ({
  count,
  start(setup, part) {
    const worker = new Worker(new URL('./training-part.ts', import.meta.url), { type: 'module' })
    const ended = Promise.withResolvers<void>()
    const ready = Promise.withResolvers<void>()
    worker.onmessage = () => ready.resolve()
    worker.onerror = ({ message }) => {
      ready.reject(new AppError('worker_died', `a thread for training failed: ${message || 'its script did not load'}`))
      ended.resolve()
    }
    worker.postMessage({ setup, part })
    return {
      ready: ready.promise,
      ended: ended.promise,
      end() {
        worker.terminate()
        ended.resolve()
      },
    }
  },
})
