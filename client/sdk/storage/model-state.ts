import type { Sha256 } from '../../../shared/core/digest.ts'
import type { ErrorCode } from '../../../shared/core/errors.ts'
import type { PromisedErrorState } from '../../../shared/stats/promised-error.ts'
import type { DeviceOutcome, Report } from '../../../shared/stats/report.ts'
import type { Envelope } from '../../../shared/trust/dsse.ts'

/** A version that this device will not run again in the role it failed in: `stable`, or the id of a rollout. */
export type Quarantined = {
  readonly manifest: Sha256
  readonly version: number
  readonly role: string
  readonly sequence: number
  readonly code: ErrorCode
}

/** What a device has seen so far in its first window on the version that a rollout assigned to it. */
export type FirstWindow = {
  readonly rollout: DeviceOutcome['rollout']
  readonly arm: DeviceOutcome['arm']
  readonly stage: number
  readonly manifest: Sha256
  /** Epoch milliseconds of its first prediction. */
  readonly began: number
  readonly predictions: number
  readonly labelled: number
  readonly wrong: number
  /** Reported, or queued to be. */
  readonly closed: boolean
}

/** Everything a device remembers about one model and alias, except the bytes. One record, changed in one transaction. */
export type ModelState = {
  readonly key: string
  readonly model: string
  readonly alias: string
  /** The last release accepted, in its envelope: verified again each time it is read. */
  readonly release: Envelope | null
  readonly etag: string | null
  /** The highest sequence accepted: lower ones are refused for ever. */
  readonly sequence: number
  /** The latest time that a signed document has proven, epoch milliseconds. A clock set back does not go below it. */
  readonly trustedTime: number
  /** The version that answers, the one before it, and the first one this device ever ran: manifest digests. */
  readonly active: Sha256 | null
  readonly previous: Sha256 | null
  readonly factory: Sha256 | null
  readonly quarantine: readonly Quarantined[]
  /** Written before a version starts and after its worker died, cleared by its first good answer. */
  readonly crash: { readonly manifest: Sha256; readonly strikes: number } | null
  /** The release sequence in which this device went back by evidence: at most once in each. */
  readonly wentBackAt: number | null
  readonly firstWindow: FirstWindow | null
  readonly promise: { readonly manifest: Sha256; readonly state: PromisedErrorState } | null
  /** What the next report still has to say. */
  readonly unsent: {
    readonly selfRollbacks: Report['selfRollbacks']
    readonly outcome: DeviceOutcome | null
    readonly errors: Readonly<Partial<Record<ErrorCode, number>>>
  }
}

export const keyOf = (model: string, alias: string): string => `${model}@${alias}`

export const newModelState = (model: string, alias: string): ModelState => ({
  key: keyOf(model, alias),
  model,
  alias,
  release: null,
  etag: null,
  sequence: 0,
  trustedTime: 0,
  active: null,
  previous: null,
  factory: null,
  quarantine: [],
  crash: null,
  wentBackAt: null,
  firstWindow: null,
  promise: null,
  unsent: { selfRollbacks: [], outcome: null, errors: {} },
})

export const addError = (state: ModelState, code: ErrorCode): ModelState => ({
  ...state,
  unsent: { ...state.unsent, errors: { ...state.unsent.errors, [code]: (state.unsent.errors[code] ?? 0) + 1 } },
})
