import type { Clock } from '../../../shared/core/clock.ts'
import { AppError, type ErrorCode } from '../../../shared/core/errors.ts'
import { connectWorker, type WorkerLike } from '../../../shared/worker/connect-worker.ts'
import { TRAINING_PROTOCOL, type TrainedUpdate, type TrainingApi } from '../../../shared/worker/training-api.ts'
import type { Trainer } from './trainer.ts'

export type WorkerTrainerOptions = {
  readonly spawn: () => WorkerLike
  readonly clock: Clock
  /** A training worker that says nothing for so long hangs. */
  readonly timeoutMs?: number
  readonly recycleAfter?: number
}

/** A worker that died, hung or lost its GPU is replaced this often; training goes on from its last checkpoint. */
const MOST_RESTARTS = 3
/** Steps on WebGPU after which the worker makes way for a fresh one: a browser's handles run out in the end (tensorflow/tfjs#8571). */
const RECYCLE_AFTER = 20_000
const RESTARTED: ReadonlySet<ErrorCode> = new Set(['worker_died', 'timeout', 'device_lost'])

/**
 * Trains in a worker that lives for one contribution and is ended with it, so that nothing of it stays in memory, an abort takes effect at once, and the worker
 * that answers is never in its way. What happens to the worker costs no more than the steps since the last checkpoint.
 */
export const workerTrainer = ({ spawn, clock, timeoutMs = 60_000, recycleAfter = RECYCLE_AFTER }: WorkerTrainerOptions): Trainer => ({
  async train(request, { signal, onProgress, share, pausing }) {
    let checkpoint = request.resume
    /** The update; or nothing, where another worker is to go on. */
    async function inOneWorker(): Promise<TrainedUpdate | undefined> {
      const worker = connectWorker<TrainingApi>({ spawn, protocol: TRAINING_PROTOCOL, clock, timeoutMs })
      let unfollow: (() => void) | undefined
      const end = () => {
        unfollow?.()
        worker.dispose()
      }
      signal.addEventListener('abort', end, { once: true })
      const from = checkpoint?.done ?? 0
      let told = 1
      try {
        signal.throwIfAborted()
        // copied, not moved: another worker may need them again
        const paused = pausing?.paused === true
        const job = await worker.call('begin', [{ ...request, paused, ...(checkpoint === undefined ? {} : { resume: checkpoint }) }])
        // a job that has ended meanwhile, or whose worker has, rests
        const rest = (now: boolean) => worker.call(now ? 'pause' : 'resume', [job]).catch(() => undefined)
        unfollow = pausing?.follow(rest)
        // told while it began
        if (pausing && pausing.paused !== paused) await rest(pausing.paused)
        for (;;) {
          const state = await worker.call('next', [job])
          if (state.done) return state.update
          checkpoint = state.checkpoint ?? checkpoint
          if (state.progress) onProgress(state.progress)
          if (state.backend === 'webgpu' && state.checkpoint && state.checkpoint.done - from >= recycleAfter) return undefined
          const part = share?.() ?? 1
          if (part !== told) await worker.call('share', [job, part])
          told = part
        }
      } finally {
        signal.removeEventListener('abort', end)
        end()
      }
    }
    for (let restarts = 0; ; ) {
      try {
        const update = await inOneWorker()
        if (update) return update
      } catch (thrown) {
        if (signal.aborted) throw new AppError('aborted', 'training was aborted', { cause: signal.reason })
        if (!(thrown instanceof AppError) || !RESTARTED.has(thrown.code) || restarts++ >= MOST_RESTARTS) throw thrown
      }
    }
  },
})
