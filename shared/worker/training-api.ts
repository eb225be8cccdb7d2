import type { BackendName } from '../compute/backends.ts'
import type { TrainProgress } from '../compute/train.ts'
import type { LocalUpdate, LocalUpdateOptions } from '../federated/local-update.ts'
import type { NamedTensors } from '../tensor/tensor.ts'
import type { ModelInput, RunnableManifest } from './inference-api.ts'

/** Rises with every change of the calls below that the other side would not understand. */
export const TRAINING_PROTOCOL = 1

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
}

/** What training came to, and on which backend. */
export type TrainedUpdate = LocalUpdate & { readonly backend: BackendName }

export type TrainingState =
  | { readonly done: false; readonly progress: TrainProgress | null }
  | { readonly done: true; readonly update: TrainedUpdate }

/** What the training worker does. Errors are AppErrors. */
export type TrainingApi = {
  /** Takes a job; it is trained after those that came before. Gives back its number. */
  begin(request: TrainRequest): Promise<number>
  /**
   * How the job stands: answers at its end, or after a quarter of a second. Throws what local-update.ts throws: training_diverged, aborted, shape_mismatch,
   * invalid_input, output_not_finite; no_backend; conflict for a job that has ended.
   */
  next(job: number): Promise<TrainingState>
  /** Ends the job before its next batch, with `aborted`. */
  cancel(job: number): Promise<void>
}
