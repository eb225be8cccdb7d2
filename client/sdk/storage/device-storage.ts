import type { Sha256 } from '../../../shared/core/digest.ts'
import type { Json } from '../../../shared/core/json.ts'
import type { SharedExample } from '../../../shared/contract/datasets.ts'
import type { Report } from '../../../shared/stats/report.ts'
import type { Envelope } from '../../../shared/trust/dsse.ts'
import type { WindowRecord } from '../monitoring/window-record.ts'
import type { ModelState } from './model-state.ts'

/** A version whose pieces are all stored. Its being there is what makes the version exist on this device: written last. */
export type VersionRecord = {
  readonly manifest: Sha256
  readonly key: string
  readonly version: number
  readonly envelope: Envelope
  readonly pieces: readonly Sha256[]
  readonly bytes: number
  readonly committed: number
}

/** The beginning of a piece whose download was cut off. */
export type PartialPiece = { readonly digest: Sha256; readonly bytes: Blob }

/** What waits to be sent. `id` grows in the order of arrival. */
export type OutboxItem = { readonly id: number; readonly created: number } & OutboxBody
export type OutboxBody =
  | { readonly kind: 'report'; readonly body: Report }
  | { readonly kind: 'example'; readonly model: string; readonly body: SharedExample }

/** Windows that a session (one open tab) has counted and not yet reported. */
export type Checkpoint = { readonly session: string; readonly key: string; readonly windows: readonly WindowRecord[] }

/** Something written in the same transaction as a model's state: all of it is there afterwards, or nothing. */
export type Write =
  | { readonly put: 'version'; readonly record: VersionRecord }
  | { readonly put: 'checkpoint'; readonly record: Checkpoint }
  | { readonly drop: 'checkpoint'; readonly session: string; readonly key: string }
  | { readonly put: 'outbox'; readonly created: number; readonly item: OutboxBody }

/**
 * What a device keeps: IndexedDB in a browser, memory in a simulation; test/client/sdk/storage/storage-contract.ts says what both owe.
 *
 * A driver must: make every method atomic; let other tabs of the origin see a write once its promise has resolved; reject with storage_full, and
 * change nothing, when there is no room; refuse to commit a version record of which a piece is missing (conflict).
 */
export type DeviceStorage = {
  readonly kind: 'indexeddb' | 'memory'
  /** A small named value: identity, root, consent, epoch, backend choices. */
  setting(name: string): Promise<Json | undefined>
  /** Reads, changes and writes a setting in one transaction; undefined deletes it. `change` must be synchronous. */
  updateSetting(name: string, change: (value: Json | undefined) => Json | undefined): Promise<Json | undefined>

  model(key: string): Promise<ModelState | undefined>
  models(): Promise<ModelState[]>
  /** Reads, changes and writes a model's state together with `also`. `change` must be synchronous. Resolves with the new state. */
  updateModel(key: string, change: (state: ModelState | undefined) => ModelState, also?: readonly Write[]): Promise<ModelState>

  version(manifest: Sha256): Promise<VersionRecord | undefined>
  versions(key?: string): Promise<VersionRecord[]>
  /** Deletes a version record, and those of its pieces that no other version names. */
  dropVersion(manifest: Sha256): Promise<void>

  piece(digest: Sha256): Promise<Blob | undefined>
  hasPiece(digest: Sha256): Promise<boolean>
  putPiece(digest: Sha256, bytes: Blob): Promise<void>
  dropPiece(digest: Sha256): Promise<void>
  /** Deletes pieces that no version names and that are not in `keep`, and partial ones likewise. */
  sweep(keep: readonly Sha256[]): Promise<void>
  partial(digest: Sha256): Promise<Blob | undefined>
  /** Undefined deletes it. */
  putPartial(digest: Sha256, bytes: Blob | undefined): Promise<void>

  checkpoints(): Promise<Checkpoint[]>
  /** Oldest first. */
  outbox(limit: number): Promise<OutboxItem[]>
  outboxSize(): Promise<number>
  dropFromOutbox(ids: readonly number[]): Promise<void>

  /** Bytes used and allowed; undefined where the platform does not say. */
  estimate(): Promise<{ usage: number; quota: number } | undefined>
  /** Deletes everything: what the person asks for with "forget me". */
  clear(): Promise<void>
  close(): void
}
