import type { TrainProgress } from '../../../shared/compute/train.ts'
import type { TrainedUpdate, TrainRequest } from '../../../shared/worker/training-api.ts'
import type { Pausing } from './pausing.ts'

export type TrainerOptions = {
  readonly signal: AbortSignal
  readonly onProgress: (progress: TrainProgress) => void
  /** What part of the time training may work now; 1 where left out. Asked again and again. */
  readonly share?: () => number
  /** Whether it is to rest between its steps. */
  readonly pausing?: Pausing
}

/** Where a device trains: a worker of its own in a browser, this process in a simulation. */
export type Trainer = {
  /** Throws training_diverged, output_not_finite, invalid_input, shape_mismatch, no_backend, worker_died, timeout; aborted. Takes the tensors over. */
  train(request: TrainRequest, options: TrainerOptions): Promise<TrainedUpdate>
}
