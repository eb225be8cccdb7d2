import type { Clock } from '../../../shared/core/clock.ts'
import { AppError } from '../../../shared/core/errors.ts'
import { connectWorker, type WorkerLike } from '../../../shared/worker/connect-worker.ts'
import { TRAINING_PROTOCOL, type TrainingApi } from '../../../shared/worker/training-api.ts'
import type { Trainer } from './trainer.ts'

export type WorkerTrainerOptions = {
  readonly spawn: () => WorkerLike
  readonly clock: Clock
  /** A training worker that says nothing for so long hangs. */
  readonly timeoutMs?: number
}

/**
 * Trains in a worker that lives for one contribution and is ended with it, so that nothing of it stays in memory, an abort takes effect at once, and the worker
 * that answers is never in its way.
 */
export const workerTrainer = ({ spawn, clock, timeoutMs = 60_000 }: WorkerTrainerOptions): Trainer => ({
  async train(request, { signal, onProgress }) {
    const worker = connectWorker<TrainingApi>({ spawn, protocol: TRAINING_PROTOCOL, clock, timeoutMs })
    const end = () => worker.dispose()
    signal.addEventListener('abort', end, { once: true })
    try {
      signal.throwIfAborted()
      const job = await worker.call('begin', [request], { moves: request.tensors })
      for (;;) {
        const state = await worker.call('next', [job])
        if (state.done) return state.update
        if (state.progress) onProgress(state.progress)
      }
    } catch (thrown) {
      if (signal.aborted) throw new AppError('aborted', 'training was aborted', { cause: signal.reason })
      throw thrown
    } finally {
      signal.removeEventListener('abort', end)
      end()
    }
  },
})
