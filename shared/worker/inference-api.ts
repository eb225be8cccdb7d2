import type { Observed } from '../stats/counters.ts'
import type { BackendChoice, CandidateName } from '../compute/backend-choice.ts'
import type { BackendName } from '../compute/backends.ts'
import type { ModelTensor } from '../tensor/model-tensor.ts'
import type { NamedTensors } from '../tensor/tensor.ts'
import type { Manifest } from '../trust/manifest.ts'
import type { TensorInput } from './prepare-tensors.ts'

/** Rises with every change of the calls below that the other side would not understand. */
export const INFERENCE_PROTOCOL = 2

/**
 * What an app asks about. An image is row-major with channels interleaved: bytes 0 to 255, or floats 0 to 1 in a Float32Array. A row of a table is an
 * object, by column. A model that takes tensors as they are (an imported one) is asked with an object of them, by the names of its signature.
 */
export type ModelInput =
  | TensorInput
  | Readonly<Record<string, TensorInput>>
  | Uint8Array
  | Uint8ClampedArray
  | Float32Array
  | readonly number[]
  | Readonly<Record<string, string | number | boolean | null>>

/** The parts of a manifest that running it needs. */
export type RunnableManifest = Pick<Manifest, 'topology' | 'signature' | 'transforms' | 'monitors' | 'selfTest' | 'labels' | 'requires'>

export type LoadModel = {
  readonly manifest: RunnableManifest
  readonly tensors: NamedTensors
  /** What to choose from, everything when left out. */
  readonly candidates?: readonly CandidateName[]
  /** A GPU that was lost too often is out of the question for as long as the fingerprint stays the same. */
  readonly demoted?: { readonly fingerprint: string; readonly why: string }
  /** Lets WebGPU run on a software adapter: for tests of function. */
  readonly allowSoftware?: boolean
  /** What was chosen for this version here before, under `fingerprint`. */
  readonly remembered?: { readonly choice: BackendChoice; readonly fingerprint: string }
  /** What runs it now: it stays unless another is clearly faster. */
  readonly incumbent?: CandidateName
}

export type LoadedModel = {
  /** Names the model in later calls. */
  readonly handle: number
  readonly backend: BackendName
  readonly choice: BackendChoice
  /** What the choice holds for: runtime, browser and GPU. */
  readonly fingerprint: string
  /** Of the self-test, relative to max(1, |expected|). */
  readonly largestDifference: number
  readonly ms: number
}

export type ModelAnswer = {
  /** One row of the first output, for models with labels; else empty. */
  readonly output: Float32Array<ArrayBuffer>
  /** All outputs, by the names of the signature. */
  readonly outputs: Readonly<Record<string, ModelTensor>>
  /** The monitored numbers of the input, by name. */
  readonly observed: Readonly<Record<string, Observed>>
  /** Preparation and computation, without waiting and travel. */
  readonly ms: number
  /** The model has been answering in another time than was measured for a while: it is worth choosing again. */
  readonly drifted?: true
}

/** What the inference worker does. Errors are AppErrors. */
export type InferenceApi = {
  /** Chooses a backend, builds the model, warms it up and runs its self-test. Throws self_test_failed, no_backend, invalid_document, shape_mismatch. */
  load(model: LoadModel): Promise<LoadedModel>
  /** Throws shape_mismatch, invalid_input, output_not_finite, out_of_memory; device_lost where the GPU was lost: then the model is to be loaded again. */
  predict(handle: number, input: ModelInput): Promise<ModelAnswer>
  /** Answers when the model's backend is lost, with why; with null when the model is unloaded. */
  lost(handle: number): Promise<{ readonly why: string } | null>
  unload(handle: number): Promise<void>
  memory(): Promise<{ tensors: number; bytes: number }>
}
