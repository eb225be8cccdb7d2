import type { Sha256 } from '../../shared/core/digest.ts'
import type { ErrorCode, Issue } from '../../shared/core/errors.ts'
import type { ArtifactId, RunId, Slug, StepId } from '../../shared/core/ids.ts'
import type { Json, JsonObject } from '../../shared/core/json.ts'
import type { ArtifactType } from './artifact-types.ts'
import type { StepResult } from './component.ts'
import type { LogLevel } from './run-log-store.ts'

/** What a worker is given: everything a step needs, as plain data. */
export type StepTask = {
  readonly module: string
  readonly component: string
  readonly componentVersion: string
  readonly run: RunId
  readonly step: StepId
  readonly pipeline: Slug
  readonly idempotencyKey: string
  readonly inputs: {
    readonly [name: string]: {
      readonly artifact: ArtifactId
      readonly type: ArtifactType
      readonly digest: Sha256
      readonly bytes: number
      readonly properties: JsonObject
      readonly path: string
    }
  }
  readonly params: JsonObject
  readonly reads: Json
  readonly seed: number
  /** This attempt's own: empty, and gone after it. */
  readonly folder: string
  readonly kept: string
}

export type StepFailure = { readonly code: ErrorCode; readonly detail: string; readonly issues: readonly Issue[]; readonly stack?: string }

/** One value of a metric, as a step tells it: times are epoch milliseconds. */
export type StepPoint = { readonly name: string; readonly value: number; readonly step: number; readonly at: number }

/** What a step tells while it runs, and at its end. */
export type FromStep =
  | { readonly kind: 'log'; readonly level: LogLevel; readonly message: string }
  | { readonly kind: 'progress'; readonly done: number; readonly total: number; readonly note: string }
  | { readonly kind: 'metrics'; readonly points: readonly StepPoint[] }
  | { readonly kind: 'done'; readonly result: StepResult }
  | { readonly kind: 'failed'; readonly failure: StepFailure }

/** Why running steps are asked to end when the server does: their runs go on after the next start. */
export const STOPPING = 'the server is stopping'

/** What a step asks for over ports of its own, which are closed at its end, whatever it may still send: the API, and the blob store. */
export type PortName = 'api' | 'blobs'
/** One end of such a port. */
export type StepPort = {
  postMessage(message: unknown, transfer?: readonly ArrayBuffer[]): void
  on(event: 'message', listener: (message: never) => void): unknown
  close(): void
}
type PortMessage = { readonly kind: 'port'; readonly step: StepId; readonly port: PortName; readonly message: unknown }

/** What a worker that waits may load meanwhile: the module of a step that will come. */
type LoadAhead = { readonly kind: 'load'; readonly module: string }

/** What a worker is told, over the process around it. */
export type ToWorker =
  | LoadAhead
  | { readonly kind: 'step'; readonly task: StepTask }
  | { readonly kind: 'abort'; readonly step: StepId; readonly reason: string }
  | PortMessage

/** What that process tells: the worker's words, what it prints, the memory it uses, and its end. */
export type FromHost =
  | FromWorker
  | { readonly kind: 'text'; readonly stream: 'stdout' | 'stderr'; readonly text: string }
  | { readonly kind: 'memory'; readonly step: StepId; readonly bytes: number }
  | { readonly kind: 'died'; readonly outOfMemory: boolean; readonly message: string; readonly stack: string | undefined }
  | { readonly kind: 'ended'; readonly code: number }

/** A worker passes on what its step says and asks for, and says between steps whether it takes another one or the last has left something behind. */
export type FromWorker =
  | PortMessage
  | { readonly kind: 'said'; readonly step: StepId; readonly message: FromStep }
  | { readonly kind: 'ready' }
  | { readonly kind: 'spent'; readonly why: string }

/** Requests to the blob store, which only the server's own thread drives. */
export type BlobRequest = { readonly id: number } & (
  | { readonly kind: 'put'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'put-file'; readonly path: string }
  | { readonly kind: 'path'; readonly digest: Sha256 }
)
export type BlobReply = { readonly id: number } & (
  | { readonly digest: Sha256; readonly bytes: number }
  | { readonly path: string }
  | { readonly failure: StepFailure }
)
