import type { TrainingApi } from '../../../shared/worker/training-api.ts'
import type { Trainer } from './trainer.ts'

/** Trains in this process, one device after the other: for simulations. */
export const localTrainer = (service: TrainingApi): Trainer => ({
  async train(request, { signal, onProgress, pausing }) {
    const job = await service.begin({ ...request, paused: pausing?.paused === true })
    const cancel = () => void service.cancel(job)
    signal.addEventListener('abort', cancel, { once: true })
    if (signal.aborted) cancel()
    const rest = (paused: boolean) => service[paused ? 'pause' : 'resume'](job).catch(() => undefined)
    const unfollow = pausing?.follow(rest)
    try {
      for (;;) {
        const state = await service.next(job)
        if (state.done) return state.update
        if (state.progress) onProgress(state.progress)
      }
    } finally {
      unfollow?.()
      signal.removeEventListener('abort', cancel)
    }
  },
})
