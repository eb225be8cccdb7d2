import type { BackendName } from '../../shared/compute/backends.ts'
import type { BackendChoice } from '../../shared/compute/backend-choice.ts'
import type { AppError, ErrorCode } from '../../shared/core/errors.ts'
import type { PredictionId } from '../../shared/core/ids.ts'
import type { SharedExample } from '../../shared/contract/datasets.ts'
import type { Report } from '../../shared/stats/report.ts'
import type { ModelTensor } from '../../shared/tensor/model-tensor.ts'
import type { Manifest } from '../../shared/trust/manifest.ts'
import type { ModelInput } from '../../shared/worker/inference-api.ts'
import type { TensorInput } from '../../shared/worker/prepare-tensors.ts'

export type { ModelInput, ModelTensor, TensorInput }

/** One answer of a model. */
export type Answer = {
  /** Pass it to `feedback` when the truth is known. */
  readonly id: PredictionId
  /** Empty where the model has no labels. */
  readonly label: string
  /** In the order of `model.labels`; they sum to 1. */
  readonly probabilities: readonly number[]
  /** The probability of `label`; 0 where the model has no labels. */
  readonly confidence: number
  /** Everything the model answered, by the names of its signature. */
  readonly outputs: Readonly<Record<string, ModelTensor>>
  /** Which version answered, and on what. */
  readonly version: number
  readonly backend: BackendName
  /** Preparation and computation, milliseconds. */
  readonly ms: number
}

/** How far a load or an update has come. `loaded` and `total` are bytes; both 0 outside the download. */
export type Progress = {
  readonly model: string
  readonly version: number | null
  readonly phase: 'release' | 'manifest' | 'download' | 'load' | 'ready'
  readonly loaded: number
  readonly total: number
}

export type ModelEvents = {
  /** Another version answers from now on. */
  update: { readonly from: number | null; readonly to: number }
  /** This device left a version by itself, or by the release; `code` says why. */
  rollback: { readonly from: number; readonly to: number; readonly code: ErrorCode }
  /** A version was found unfit before it ever answered. */
  refused: { readonly version: number; readonly code: ErrorCode; readonly detail: string }
  /** What answers from now on, and why. */
  backend: { readonly backend: BackendName; readonly why: string }
  /** The GPU was lost; another backend answers meanwhile. `demoted`: too often, so that WebGPU is not used for a day. */
  'device-lost': { readonly why: string; readonly demoted: boolean }
  /** Counts were handed in. */
  report: { readonly sent: number; readonly refused: number }
  offline: { readonly error: AppError }
  online: Record<never, never>
  /** The release has expired: the model goes on answering with what it has. */
  stale: { readonly since: number }
  progress: Progress
}

export type Feedback = {
  /** False where this answer had feedback before, or is too old to be known. */ readonly counted: boolean /** The example waits to be sent. */
  readonly shared: boolean
  /** The example is kept on this device, to learn from: see `contribute`. */
  readonly kept: boolean
}

/** How far a contribution has come: bytes while the base version is downloaded and the update sent, batches while it is trained. `total` 0: not known. */
export type ContributeProgress = {
  readonly phase: 'ask' | 'download' | 'train' | 'send'
  readonly done: number
  readonly total: number
  /** Of the last batch. */
  readonly loss?: number
}

export type ContributeOptions = { readonly onProgress?: (progress: ContributeProgress) => void; readonly signal?: AbortSignal }

/** What became of a contribution. `why` is a sentence for people. */
export type Contribution =
  /** No round is open, it has enough devices, or this one has taken part. */
  | { readonly outcome: 'no-round'; readonly why: string }
  /** It counts in the round. */
  | {
      readonly outcome: 'contributed'
      readonly round: string
      /** The version that was trained from. */
      readonly version: number
      readonly examples: number
      /** Size of what was sent. */
      readonly bytes: number
      /** L2 norm of the change before clipping, and whether it was clipped. */
      readonly norm: number
      readonly clipped: boolean
      /** Mean loss of the last epoch. */
      readonly loss: number
      readonly backend: BackendName
      readonly why: string
    }
  /** Nothing was counted: no consent (`forbidden`), no examples (`invalid_input`), too late or busy (`conflict`), offline (`network`), training went wrong, … */
  | { readonly outcome: 'refused'; readonly code: ErrorCode; readonly why: string }

/** What `checkForUpdate` found: `current` nothing new, `updated` another version answers now, `refused` a new version does not work here. */
export type UpdateOutcome = { readonly outcome: 'current' | 'updated' | 'refused' | 'offline' | 'stale'; readonly version: number | null }

/** A model on this device. */
export type Model = {
  readonly name: string
  readonly alias: string
  /** The version that answers now; null while none can. */
  readonly version: number | null
  readonly labels: readonly string[]
  /** What goes in and comes out: names, datatypes (of the Open Inference Protocol), shapes with -1 for any size. Null while no version can answer. */
  readonly signature: Manifest['signature'] | null
  readonly backend: BackendName | null
  /** Whether the release that is followed has expired. */
  readonly stale: boolean
  /**
   * Asks the model. Never blocks the page: the work is done in a worker.
   * @param input One example: see {@link ModelInput}.
   * @throws AppError `shape_mismatch`, `invalid_input`, `aborted`, `version_revoked`; `output_not_finite` only where there is no version to return to.
   * @example const { label, confidence } = await model.predict(pixels)
   * @example
   * // an imported model with state: what comes out goes in again
   * const { outputs } = await vad.predict({ input: samples, state, sr: 16000 })
   * state = outputs.stateN
   */
  predict(input: ModelInput, options?: { readonly signal?: AbortSignal }): Promise<Answer>
  /**
   * Says what the right answer was: a label (null: none of them), or the number where the model answers with one. The truth itself stays here: only "right" or
   * "wrong" is counted. A number is right within the error bound that the version promises. `share` sends a labelled example too, if the person agreed to sharing
   * (see {@link Consent}).
   * @throws AppError `invalid_input` for a label that the model does not have, or a truth that it cannot be held against.
   * @example await model.feedback(answer.id, '7', { share: true })
   */
  feedback(id: string, truth: string | number | null, options?: { readonly share?: boolean }): Promise<Feedback>
  /** Asks the server for a newer release, and installs what it names. Resolves without an error when offline. */
  checkForUpdate(options?: { readonly signal?: AbortSignal }): Promise<UpdateOutcome>
  /**
   * Takes part in the round that is open for this model: trains here, in a worker of its own, on the examples that feedback has labelled, and sends how the weights
   * changed, clipped, once a round. The examples stay. Needs the person's consent to training. Resolves with what happened.
   * @throws AppError `aborted` only.
   * @example const done = await model.contribute({ onProgress: ({ phase, done, total }) => bar.set(phase, done / total), signal })
   */
  contribute(options?: ContributeOptions): Promise<Contribution>
  /**
   * Lets the training of `contribute` rest after its present step, until it is resumed, and resolves when it does; false where this page does not contribute. The
   * round does not wait: what is sent too late does not count.
   */
  pauseTraining(): Promise<boolean>
  /** Lets training go on where it rested, to the same bits. False where this page does not contribute. */
  resumeTraining(): Promise<boolean>
  /** How many labelled examples are kept on this device for `contribute`. */
  keptExamples(): Promise<number>
  /** Goes back to the version before, by hand. False where there is none. */
  rollback(): Promise<boolean>
  /** Why this backend answers: the times that were measured here. Null before a version is loaded. */
  explainBackend(): BackendChoice | null
  /** Hands the current counts to the outbox and tries to send it. */
  flush(): Promise<void>
  /** @example const stop = model.on('rollback', ({ from, to, code }) => toast(`Back from ${from} to ${to}: ${code}`)) */
  on<K extends keyof ModelEvents>(name: K, listener: (event: ModelEvents[K]) => void): () => void
  /** Frees the worker's memory. Counts are kept. */
  dispose(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * What is done when a version is stored already: `cached` uses it, `cached-then-update` uses it and looks for a newer one in the background, `latest`
 * looks first and uses the stored one only when offline.
 */
export type LoadStrategy = 'cached' | 'cached-then-update' | 'latest'

export type LoadOptions = {
  /** Which alias to follow; `stable` by default. */
  readonly alias?: string
  readonly strategy?: LoadStrategy
  readonly onProgress?: (progress: Progress) => void
  readonly signal?: AbortSignal
}

/** `unavailable`: cannot be had here now; `downloadable`; `downloading`; `available`: stored, answers offline. */
export type Availability = 'unavailable' | 'downloadable' | 'downloading' | 'available'

/** What the person using the app has agreed to. */
export type Consent = {
  /** Counts of inputs, answers, confidence and latency leave the device: numbers only. */
  readonly statistics: boolean
  /** Examples that the app marks with `share` leave the device. */
  readonly sharing: boolean
  /** Labelled examples are kept on the device, which learns from them; what leaves it is how the model's weights changed. */
  readonly training: boolean
}

export type ConsentControl = {
  readonly statistics: boolean
  readonly sharing: boolean
  readonly training: boolean
  /** What is refused from now on is also deleted: from the outbox, and the examples kept for training. */
  set(change: Partial<Consent>): Promise<void>
}

/** Everything that waits to leave this device, exactly as it will be sent. */
export type Outgoing = { readonly reports: readonly Report[]; readonly examples: readonly SharedExample[] }

export type Shoal = {
  /** This device's random id. It says nothing about the person, and is forgotten with `forget`. */
  readonly device: string
  readonly consent: ConsentControl
  /**
   * Loads a model: from storage if it is there, else from the server, verified and tested before it answers.
   * @throws AppError `offline_no_model`, `unknown_model`, `bad_signature`, `document_expired`, `digest_mismatch`, `truncated`, `not_a_model`,
   * `self_test_failed`, `no_backend`, `aborted`.
   * @example const model = await shoal.load('digits', { onProgress: ({ loaded, total }) => bar.set(loaded / total) })
   */
  load(name: string, options?: LoadOptions): Promise<Model>
  availability(name: string, options?: { readonly alias?: string }): Promise<Availability>
  /** Looks for updates of every loaded model and sends what waits. Never rejects. */
  refresh(): Promise<void>
  /** Sends what waits. Resolves when all is sent or the server cannot be reached. */
  flush(): Promise<void>
  /** The exact JSON that waits to be sent, counts of the current window included. */
  whatIsSent(): Promise<Outgoing>
  /** A JSON value that can be pasted into an issue: no inputs, no ids. */
  diagnostics(): Promise<Readonly<Record<string, unknown>>>
  /** Deletes everything that Shoal keeps on this device: models, counts, identity. */
  forget(): Promise<void>
  dispose(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
