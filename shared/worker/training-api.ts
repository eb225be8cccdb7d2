import type { BackendName } from '../compute/backends.ts'
import type { TrainProgress } from '../compute/train.ts'
import type { TrainingCheckpoint } from '../compute/training-checkpoint.ts'
import type { LocalUpdate, LocalUpdateOptions } from '../federated/local-update.ts'
import type { NamedTensors } from '../tensor/tensor.ts'
import type { ModelInput, RunnableManifest } from './inference-api.ts'

/** Rises with every change of the calls below that the other side would not understand. */
export const TRAINING_PROTOCOL = 3

/** An input as the app gave it, and what it was. */
export type LabelledInput = { readonly input: ModelInput; readonly label: string }

export type TrainRequest = {
  /** Of the base version: its transforms and labels are those that are trained with. */
  readonly manifest: RunnableManifest
  /** Every weight of the base version. */
  readonly tensors: NamedTensors
  /** Those with a label or a form that the base version does not know are passed over. */
  readonly examples: readonly LabelledInput[]
  readonly plan: LocalUpdateOptions['plan']
  /** Goes on from here: a checkpoint of the same request. */
  readonly resume?: TrainingCheckpoint
  /** Rests before its first step, until it is resumed. */
  readonly paused?: boolean
}

/** What training came to, and on which backend. */
export type TrainedUpdate = LocalUpdate & { readonly backend: BackendName }

export type TrainingState =
  /** `checkpoint`: the latest, where there is one that was not handed out yet. */
  | {
      readonly done: false
      readonly progress: TrainProgress | null
      readonly backend: BackendName | null
      readonly checkpoint: TrainingCheckpoint | null
    }
  | { readonly done: true; readonly update: TrainedUpdate }

/** What the training worker does. Errors are AppErrors. */
export type TrainingApi = {
  /** Takes a job; it is trained after those that came before. Gives back its number. */
  begin(request: TrainRequest): Promise<number>
  /**
   * How the job stands: answers at its end, or after a quarter of a second. Throws what local-update.ts throws: training_diverged, aborted, shape_mismatch,
   * invalid_input, output_not_finite; no_backend; device_lost; conflict for a job that has ended.
   */
  next(job: number): Promise<TrainingState>
  /** What part of the time the job may work, above 0 up to 1; it rests between its steps. */
  share(job: number, part: number): Promise<void>
  /** The job rests after its present step until it is resumed. */
  pause(job: number): Promise<void>
  resume(job: number): Promise<void>
  /** Ends the job before its next batch, with `aborted`. */
  cancel(job: number): Promise<void>
}
