import type { BackendChoice, CandidateName } from '../../shared/compute/backend-choice.ts'
import type { Prediction, PredictInput } from '../../shared/contract/serving.ts'
import type { Sha256 } from '../../shared/core/digest.ts'
import type { TensorEntry } from '../../shared/tensor/pieces.ts'
import type { RunnableManifest } from '../../shared/worker/inference-api.ts'

/** Rises with every change of the calls below that the other side would not understand. */
export const SERVING_PROTOCOL = 2

export type ServedManifest = RunnableManifest & { readonly tensors: readonly TensorEntry[] }

export type ServedVersion = {
  readonly digest: Sha256
  readonly manifest: ServedManifest
  readonly pieces: readonly Uint8Array[]
  /** What was chosen for this version on this machine before. */
  readonly remembered?: { readonly choice: BackendChoice; readonly fingerprint: string }
  /** What runs it now: it stays unless another is clearly faster. */
  readonly incumbent?: CandidateName
}

export type LoadedVersion = {
  readonly choice: BackendChoice
  /** What the choice holds for: runtime and Node version. */
  readonly fingerprint: string
  readonly labels: readonly string[]
}

export type ServedAnswer = Omit<Prediction, 'id'>

export type ServedAnswers = {
  readonly backend: string
  readonly answers: readonly ServedAnswer[]
  /** The version has been answering in another time than was measured for a while: it is worth choosing again. */
  readonly drifted: boolean
}

/** What the serving thread does. Errors are AppErrors. */
export type ServingApi = {
  /** Chooses how to run a version, builds it and runs its self-test; one that is loaded already answers until then. Throws digest_mismatch, invalid_document, shape_mismatch, self_test_failed, no_backend. */
  load(version: ServedVersion): Promise<LoadedVersion>
  /** All inputs in one pass. Throws shape_mismatch and invalid_input that name the input; output_not_finite; worker_died for a version that is not loaded. */
  predict(digest: Sha256, inputs: readonly PredictInput[]): Promise<ServedAnswers>
  unload(digest: Sha256): Promise<void>
}
