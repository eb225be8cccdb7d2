import type { Sha256 } from '../../shared/core/digest.ts'
import type { BackendName } from '../../shared/compute/backends.ts'
import type { BackendChoice } from '../../shared/compute/select-backend.ts'
import type { NamedTensors } from '../../shared/tensor/tensor.ts'
import type { Manifest } from '../../shared/trust/manifest.ts'
import type { ModelAnswer, ModelInput } from '../../shared/worker/inference-api.ts'

export type LoadRequest = {
  readonly digest: Sha256
  readonly manifest: Manifest
  /** The verified weights. Called again when the runtime was lost and the version must be loaded anew. */
  tensors(): Promise<NamedTensors>
  readonly remembered?: { readonly backend: BackendName; readonly fingerprint: string }
}

/** A version that reproduced its golden outputs and is ready to answer. */
export type RuntimeHandle = {
  readonly backend: BackendName
  readonly choice: BackendChoice
  readonly fingerprint: string
  /** Throws shape_mismatch, invalid_input, output_not_finite, worker_died, timeout, no_backend, aborted. */
  predict(input: ModelInput, signal?: AbortSignal): Promise<ModelAnswer>
  dispose(): Promise<void>
}

/** Where models run: a worker in a browser, this process in a simulation. */
export type RuntimeHost = {
  /** Throws self_test_failed when no backend reproduces the golden outputs. */
  load(request: LoadRequest, signal?: AbortSignal): Promise<RuntimeHandle>
  dispose(): Promise<void>
}
