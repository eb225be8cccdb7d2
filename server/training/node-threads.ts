import { Worker } from 'node:worker_threads'
import { AppError } from '../../shared/core/errors.ts'
import type { TrainingThreads } from '../../shared/compute/training-threads.ts'

const ENTRY = new URL('./training-part-worker.ts', import.meta.url)

/** Threads of this process for a training that is to use `count`, its own included. They do not keep the process alive. */
export const nodeThreads = (count: number): TrainingThreads => ({
  count,
  start(setup, part) {
    const worker = new Worker(ENTRY, { workerData: { setup, part } })
    const ended = Promise.withResolvers<void>()
    const ready = Promise.withResolvers<void>()
    worker.once('message', () => {
      worker.unref()
      ready.resolve()
    })
    worker.once('error', ready.reject)
    worker.once('exit', () => {
      ready.reject(new AppError('worker_died', 'a thread for training did not start'))
      ended.resolve()
    })
    return { ready: ready.promise, ended: ended.promise, end: () => void worker.terminate() }
  },
})
