import { AppError } from '../../../shared/core/errors.ts'
import type { Sha256 } from '../../../shared/core/digest.ts'
import type { Json } from '../../../shared/core/json.ts'
import type { Checkpoint, DeviceStorage, OutboxItem, VersionRecord, Write } from './device-storage.ts'
import type { ModelState } from './model-state.ts'

export type MemoryStorageOptions = {
  /** Bytes of pieces it has room for. */
  readonly quota?: number
}

/**
 * A device's storage in memory: for simulations, tests, and pages where IndexedDB is refused (private windows). What one process holds it keeps across
 * devices, so a restart is simulated by giving the same storage to a new device.
 */
export function memoryStorage({ quota = Number.POSITIVE_INFINITY }: MemoryStorageOptions = {}): DeviceStorage {
  const settings = new Map<string, Json>()
  const models = new Map<string, ModelState>()
  const versions = new Map<string, VersionRecord>()
  const pieces = new Map<string, Blob>()
  const partials = new Map<string, Blob>()
  const checkpoints = new Map<string, Checkpoint>()
  const outbox = new Map<number, OutboxItem>()
  let nextId = 1

  const used = () => [...pieces.values(), ...partials.values()].reduce((sum, blob) => sum + blob.size, 0)
  const makeRoom = (bytes: number, replaced = 0) => {
    if (used() - replaced + bytes > quota) throw new AppError('storage_full', `${bytes} bytes do not fit: ${used()} of ${quota} are used`)
  }
  const named = () => new Set([...versions.values()].flatMap((record) => record.pieces))
  const checkpointKey = (session: string, key: string) => `${session} ${key}`

  function check(write: Write): void {
    if (!('put' in write) || write.put !== 'version') return
    const missing = write.record.pieces.filter((digest) => !pieces.has(digest))
    if (missing.length > 0)
      throw new AppError('conflict', `version ${write.record.version} cannot be committed: ${missing.length} of its pieces are not stored`)
  }

  function apply(write: Write): void {
    if ('drop' in write) checkpoints.delete(checkpointKey(write.session, write.key))
    else if (write.put === 'version') versions.set(write.record.manifest, structuredClone(write.record))
    else if (write.put === 'checkpoint')
      checkpoints.set(checkpointKey(write.record.session, write.record.key), structuredClone(write.record))
    else outbox.set(nextId, { id: nextId++, created: write.created, ...structuredClone(write.item) })
  }

  return {
    kind: 'memory',
    async setting(name) {
      return structuredClone(settings.get(name))
    },
    async updateSetting(name, change) {
      const value = change(structuredClone(settings.get(name)))
      if (value === undefined) settings.delete(name)
      else settings.set(name, structuredClone(value))
      return value
    },
    async model(key) {
      return models.get(key)
    },
    async models() {
      return [...models.values()]
    },
    async updateModel(key, change, also = []) {
      for (const write of also) check(write)
      const state = structuredClone(change(models.get(key)))
      models.set(key, state)
      for (const write of also) apply(write)
      return state
    },
    async version(manifest) {
      return versions.get(manifest)
    },
    async versions(key) {
      return [...versions.values()].filter((record) => key === undefined || record.key === key)
    },
    async dropVersion(manifest) {
      const record = versions.get(manifest)
      versions.delete(manifest)
      const kept = named()
      for (const digest of record?.pieces ?? []) if (!kept.has(digest)) pieces.delete(digest)
    },
    async piece(digest) {
      return pieces.get(digest)
    },
    async hasPiece(digest) {
      return pieces.has(digest)
    },
    async putPiece(digest, bytes) {
      makeRoom(bytes.size, pieces.get(digest)?.size ?? 0)
      pieces.set(digest, bytes)
    },
    async dropPiece(digest) {
      pieces.delete(digest)
    },
    async sweep(keep) {
      const kept = new Set<Sha256>([...named(), ...keep])
      for (const digest of pieces.keys()) if (!kept.has(digest as Sha256)) pieces.delete(digest)
      for (const digest of partials.keys()) if (!keep.includes(digest as Sha256)) partials.delete(digest)
    },
    async partial(digest) {
      return partials.get(digest)
    },
    async putPartial(digest, bytes) {
      if (bytes === undefined) partials.delete(digest)
      else {
        makeRoom(bytes.size, partials.get(digest)?.size ?? 0)
        partials.set(digest, bytes)
      }
    },
    async checkpoints() {
      return [...checkpoints.values()]
    },
    async outbox(limit) {
      return [...outbox.values()].slice(0, limit)
    },
    async outboxSize() {
      return outbox.size
    },
    async dropFromOutbox(ids) {
      for (const id of ids) outbox.delete(id)
    },
    async estimate() {
      return quota === Number.POSITIVE_INFINITY ? undefined : { usage: used(), quota }
    },
    async clear() {
      for (const store of [settings, models, versions, pieces, partials, checkpoints, outbox]) store.clear()
    },
    close() {},
  }
}
