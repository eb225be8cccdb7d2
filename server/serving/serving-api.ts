import type { Prediction, PredictInput } from '../../shared/contract/serving.ts'
import type { Sha256 } from '../../shared/core/digest.ts'
import type { TensorEntry } from '../../shared/tensor/pieces.ts'
import type { RunnableManifest } from '../../shared/worker/inference-api.ts'

/** Rises with every change of the calls below that the other side would not understand. */
export const SERVING_PROTOCOL = 1

export type ServedManifest = RunnableManifest & { readonly tensors: readonly TensorEntry[] }

export type ServedVersion = { readonly digest: Sha256; readonly manifest: ServedManifest; readonly pieces: readonly Uint8Array[] }

export type LoadedVersion = { readonly backend: string; readonly labels: readonly string[] }

export type ServedAnswer = Omit<Prediction, 'id'>

/** What the serving thread does. Errors are AppErrors. */
export type ServingApi = {
  /** Builds a version and runs its self-test. Throws digest_mismatch, invalid_document, shape_mismatch, self_test_failed, no_backend. */
  load(version: ServedVersion): Promise<LoadedVersion>
  /** All inputs in one pass. Throws shape_mismatch and invalid_input that name the input; output_not_finite; worker_died for a version that is not loaded. */
  predict(digest: Sha256, inputs: readonly PredictInput[]): Promise<ServedAnswer[]>
  unload(digest: Sha256): Promise<void>
}
