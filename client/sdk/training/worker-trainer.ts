import type { Clock } from '../../../shared/core/clock.ts'
import { AppError, type ErrorCode } from '../../../shared/core/errors.ts'
import { connectWorker, type WorkerConnection, type WorkerLike } from '../../../shared/worker/connect-worker.ts'
import { TRAINING_PROTOCOL, type TrainedUpdate, type TrainingApi } from '../../../shared/worker/training-api.ts'
import type { Trainer } from './trainer.ts'

export type WorkerTrainerOptions = {
  readonly spawn: () => WorkerLike
  readonly clock: Clock
  /** A training worker that says nothing for so long hangs. */
  readonly timeoutMs?: number
  readonly recycleAfter?: number
}

/** A worker that died or hung is replaced, and a GPU that was lost is left, this often; training goes on from its last checkpoint. */
const MOST_RESTARTS = 3
/** Steps on WebGPU after which the worker makes way for a fresh one: a browser's handles run out in the end (tensorflow/tfjs#8571). */
const RECYCLE_AFTER = 20_000
/** What takes the worker with it. */
const WORKER_GONE: ReadonlySet<ErrorCode> = new Set(['worker_died', 'timeout'])
/** What the worker outlives: it starts on a fresh device at once, where another worker would first have to load its script. */
const WORKER_LIVES: ReadonlySet<ErrorCode> = new Set(['device_lost'])

/**
 * Trains in a worker that lives for one contribution and is ended with it, so that nothing of it stays in memory, an abort takes effect at once, and the worker
 * that answers is never in its way. What happens to the worker or its GPU costs no more than the steps since the last checkpoint.
 */
export const workerTrainer = ({ spawn, clock, timeoutMs = 60_000, recycleAfter = RECYCLE_AFTER }: WorkerTrainerOptions): Trainer => ({
  async train(request, { signal, onProgress, share, pausing }) {
    let checkpoint = request.resume
    let restarts = 0
    const isAnotherTry = (thrown: unknown, after: ReadonlySet<ErrorCode>): boolean =>
      !signal.aborted && thrown instanceof AppError && after.has(thrown.code) && restarts++ < MOST_RESTARTS

    /** The update; or nothing, where another worker is to go on, which it is beyond so many steps. */
    async function inOneJob(worker: WorkerConnection<TrainingApi>, most: number): Promise<TrainedUpdate | undefined> {
      let told = 1
      const paused = pausing?.paused === true
      // copied, not moved: another job may need them again
      const job = await worker.call('begin', [{ ...request, paused, ...(checkpoint === undefined ? {} : { resume: checkpoint }) }])
      // a job that has ended meanwhile, or whose worker has, rests
      const rest = (now: boolean) => worker.call(now ? 'pause' : 'resume', [job]).catch(() => undefined)
      const unfollow = pausing?.follow(rest)
      try {
        // told while it began
        if (pausing && pausing.paused !== paused) await rest(pausing.paused)
        for (;;) {
          const state = await worker.call('next', [job])
          if (state.done) return state.update
          checkpoint = state.checkpoint ?? checkpoint
          if (state.progress) onProgress(state.progress)
          if (state.backend === 'webgpu' && state.checkpoint && state.checkpoint.done >= most) return undefined
          const part = share?.() ?? 1
          if (part !== told) await worker.call('share', [job, part])
          told = part
        }
      } finally {
        unfollow?.()
      }
    }

    async function inOneWorker(): Promise<TrainedUpdate | undefined> {
      const worker = connectWorker<TrainingApi>({ spawn, protocol: TRAINING_PROTOCOL, clock, timeoutMs })
      const end = () => worker.dispose()
      signal.addEventListener('abort', end, { once: true })
      const most = (checkpoint?.done ?? 0) + recycleAfter
      try {
        signal.throwIfAborted()
        for (;;) {
          try {
            return await inOneJob(worker, most)
          } catch (thrown) {
            if (!isAnotherTry(thrown, WORKER_LIVES)) throw thrown
          }
        }
      } finally {
        signal.removeEventListener('abort', end)
        end()
      }
    }

    for (;;) {
      try {
        const update = await inOneWorker()
        if (update) return update
      } catch (thrown) {
        if (signal.aborted) throw new AppError('aborted', 'training was aborted', { cause: signal.reason })
        if (!isAnotherTry(thrown, WORKER_GONE)) throw thrown
      }
    }
  },
})
