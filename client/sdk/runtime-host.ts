import type { Sha256 } from '../../shared/core/digest.ts'
import type { BackendName } from '../../shared/compute/backends.ts'
import type { BackendChoice } from '../../shared/compute/backend-choice.ts'
import type { NamedTensors } from '../../shared/tensor/tensor.ts'
import type { Manifest } from '../../shared/trust/manifest.ts'
import type { LoadModel, ModelAnswer, ModelInput } from '../../shared/worker/inference-api.ts'

export type LoadRequest = {
  readonly digest: Sha256
  readonly manifest: Manifest
  /** The verified weights. Called again when the runtime was lost and the version must be loaded anew. */
  tensors(): Promise<NamedTensors>
  readonly remembered?: { readonly choice: BackendChoice; readonly fingerprint: string }
  /** Why WebGPU is not to be used on this device now, under which fingerprint. */
  readonly demoted?: LoadModel['demoted']
  /** Hears of what happens to the version after it was loaded. */
  readonly watcher?: RuntimeWatcher
}

export type RuntimeWatcher = {
  /** The GPU was lost. Gives back why WebGPU is not to be used any more, where it is not. */
  lost(loss: { readonly fingerprint: string; readonly why: string }): Promise<LoadModel['demoted']>
  /** Another backend answers from now on, or the same one after a loss. */
  changed(choice: BackendChoice, fingerprint: string): void
  /** Whether times mean anything now: not while this device trains or the page is hidden. */
  quiet(): boolean
}

/** A version that reproduced its golden outputs and is ready to answer. */
export type RuntimeHandle = {
  readonly backend: BackendName
  readonly choice: BackendChoice
  readonly fingerprint: string
  /** Throws shape_mismatch, invalid_input, output_not_finite, out_of_memory, worker_died, timeout, no_backend, aborted. */
  predict(input: ModelInput, signal?: AbortSignal): Promise<ModelAnswer>
  dispose(): Promise<void>
}

/** Where models run: a worker in a browser, this process in a simulation. */
export type RuntimeHost = {
  /** Throws self_test_failed when no backend reproduces the golden outputs. */
  load(request: LoadRequest, signal?: AbortSignal): Promise<RuntimeHandle>
  dispose(): Promise<void>
}
