import type { TrainingApi } from '../../../shared/worker/training-api.ts'
import type { Trainer } from './trainer.ts'

/** Trains in this process, one device after the other: for simulations. */
export const localTrainer = (service: TrainingApi): Trainer => ({
  async train(request, { signal, onProgress }) {
    const job = await service.begin(request)
    const cancel = () => void service.cancel(job)
    signal.addEventListener('abort', cancel, { once: true })
    if (signal.aborted) cancel()
    try {
      for (;;) {
        const state = await service.next(job)
        if (state.done) return state.update
        if (state.progress) onProgress(state.progress)
      }
    } finally {
      signal.removeEventListener('abort', cancel)
    }
  },
})
