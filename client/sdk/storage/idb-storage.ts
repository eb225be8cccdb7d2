import { type DBSchema, type IDBPDatabase, type IDBPTransaction, openDB, type StoreNames } from 'idb'
import type { Sha256 } from '../../../shared/core/digest.ts'
import { AppError } from '../../../shared/core/errors.ts'
import type { Json } from '../../../shared/core/json.ts'
import type { Checkpoint, DeviceStorage, OutboxBody, OutboxItem, VersionRecord, Write } from './device-storage.ts'
import type { ModelState } from './model-state.ts'

/** Pieces are Blobs: reading 64 MB of them takes a third of the time that ArrayBuffers take, and nothing is copied until it is read. */
interface Schema extends DBSchema {
  settings: { key: string; value: Json }
  models: { key: string; value: ModelState }
  versions: { key: string; value: VersionRecord; indexes: { key: string } }
  pieces: { key: string; value: Blob }
  partials: { key: string; value: Blob }
  checkpoints: { key: [string, string]; value: Checkpoint }
  outbox: { key: number; value: { id?: number; created: number } & OutboxBody }
}
type Store = StoreNames<Schema>

const STORES = ['settings', 'models', 'versions', 'pieces', 'partials', 'checkpoints', 'outbox'] as const satisfies readonly Store[]

/** Quota errors come in several shapes: by name, as the reason of an aborted transaction, or as an UnknownError once the disk itself is full. */
function asStorageError(thrown: unknown): unknown {
  if (thrown instanceof AppError) return thrown
  const name = thrown instanceof DOMException ? thrown.name : ''
  if (name === 'QuotaExceededError') return new AppError('storage_full', 'the browser grants this origin no more room', { cause: thrown })
  return thrown
}

/**
 * A device's storage in IndexedDB. The connection is reopened when the browser closes it, and given up when a later version of the app wants to upgrade the
 * database in another tab.
 */
export function idbStorage({ name = 'shoal' }: { name?: string } = {}): DeviceStorage {
  let opened: Promise<IDBPDatabase<Schema>> | undefined

  const open = (): Promise<IDBPDatabase<Schema>> => {
    opened ??= openDB<Schema>(name, 1, {
      upgrade(db) {
        db.createObjectStore('settings')
        db.createObjectStore('models', { keyPath: 'key' })
        db.createObjectStore('versions', { keyPath: 'manifest' }).createIndex('key', 'key')
        db.createObjectStore('pieces')
        db.createObjectStore('partials')
        db.createObjectStore('checkpoints', { keyPath: ['session', 'key'] })
        db.createObjectStore('outbox', { keyPath: 'id', autoIncrement: true })
      },
      blocking(_current, _blocked, event) {
        opened = undefined
        ;(event.target as IDBDatabase).close()
      },
      terminated() {
        opened = undefined
      },
    }).catch((thrown: unknown) => {
      opened = undefined
      throw asStorageError(thrown)
    })
    return opened
  }

  /** Runs `body` in one transaction: resolves once it is committed, rejects with nothing changed. */
  async function within<const S extends readonly Store[], T>(
    stores: S,
    mode: 'readonly' | 'readwrite',
    body: (tx: IDBPTransaction<Schema, S, 'readwrite'>) => Promise<T>,
  ): Promise<T> {
    const db = await open()
    const tx = db.transaction(stores, mode) as IDBPTransaction<Schema, S, 'readwrite'>
    // both promises must be looked after: the body may fail while the transaction aborts, or the commit may fail after the body is done
    const done = tx.done.then(
      () => undefined,
      (thrown: unknown) => ({ thrown }),
    )
    let value: T
    try {
      value = await body(tx)
    } catch (thrown) {
      try {
        tx.abort()
      } catch {
        // it is over already
      }
      const failed = await done
      throw asStorageError(thrown instanceof DOMException && thrown.name === 'AbortError' ? (failed?.thrown ?? thrown) : thrown)
    }
    const failed = await done
    if (failed) throw asStorageError(failed.thrown)
    return value
  }

  async function write(tx: IDBPTransaction<Schema, typeof STORES, 'readwrite'>, change: Write): Promise<void> {
    if ('drop' in change) return tx.objectStore('checkpoints').delete([change.session, change.key])
    if (change.put === 'checkpoint') return void (await tx.objectStore('checkpoints').put(change.record))
    if (change.put === 'outbox') return void (await tx.objectStore('outbox').add({ created: change.created, ...change.item }))
    const stored = await Promise.all(change.record.pieces.map((digest) => tx.objectStore('pieces').count(digest)))
    const missing = stored.filter((count) => count === 0).length
    if (missing > 0)
      throw new AppError('conflict', `version ${change.record.version} cannot be committed: ${missing} of its pieces are not stored`)
    await tx.objectStore('versions').put(change.record)
  }

  const put = (store: 'pieces' | 'partials', digest: Sha256, bytes: Blob) =>
    within([store], 'readwrite', async (tx) => void (await tx.objectStore(store).put(bytes, digest)))

  return {
    kind: 'indexeddb',
    setting: (key) => within(['settings'], 'readonly', (tx) => tx.objectStore('settings').get(key)),
    updateSetting: (key, change) =>
      within(['settings'], 'readwrite', async (tx) => {
        const store = tx.objectStore('settings')
        const value = change(await store.get(key))
        if (value === undefined) await store.delete(key)
        else await store.put(value, key)
        return value
      }),
    model: (key) => within(['models'], 'readonly', (tx) => tx.objectStore('models').get(key)),
    models: () => within(['models'], 'readonly', (tx) => tx.objectStore('models').getAll()),
    updateModel: (key, change, also = []) =>
      within(STORES, 'readwrite', async (tx) => {
        const state = change(await tx.objectStore('models').get(key))
        for (const one of also) await write(tx, one)
        await tx.objectStore('models').put(state)
        return state
      }),
    version: (manifest) => within(['versions'], 'readonly', (tx) => tx.objectStore('versions').get(manifest)),
    versions: (key) =>
      within(['versions'], 'readonly', (tx) =>
        key === undefined ? tx.objectStore('versions').getAll() : tx.objectStore('versions').index('key').getAll(key),
      ),
    dropVersion: (manifest) =>
      within(['versions', 'pieces'], 'readwrite', async (tx) => {
        const versions = tx.objectStore('versions')
        const record = await versions.get(manifest)
        await versions.delete(manifest)
        const kept = new Set((await versions.getAll()).flatMap((other) => other.pieces))
        for (const digest of record?.pieces ?? []) if (!kept.has(digest)) await tx.objectStore('pieces').delete(digest)
      }),
    piece: (digest) => within(['pieces'], 'readonly', (tx) => tx.objectStore('pieces').get(digest)),
    hasPiece: (digest) => within(['pieces'], 'readonly', async (tx) => (await tx.objectStore('pieces').count(digest)) > 0),
    putPiece: (digest, bytes) => put('pieces', digest, bytes),
    dropPiece: (digest) => within(['pieces'], 'readwrite', (tx) => tx.objectStore('pieces').delete(digest)),
    sweep: (keep) =>
      within(['versions', 'pieces', 'partials'], 'readwrite', async (tx) => {
        const kept = new Set<string>([...(await tx.objectStore('versions').getAll()).flatMap((record) => record.pieces), ...keep])
        for (const digest of await tx.objectStore('pieces').getAllKeys())
          if (!kept.has(digest)) await tx.objectStore('pieces').delete(digest)
        for (const digest of await tx.objectStore('partials').getAllKeys())
          if (!keep.includes(digest as Sha256)) await tx.objectStore('partials').delete(digest)
      }),
    partial: (digest) => within(['partials'], 'readonly', (tx) => tx.objectStore('partials').get(digest)),
    putPartial: (digest, bytes) =>
      bytes === undefined
        ? within(['partials'], 'readwrite', (tx) => tx.objectStore('partials').delete(digest))
        : put('partials', digest, bytes),
    checkpoints: () => within(['checkpoints'], 'readonly', (tx) => tx.objectStore('checkpoints').getAll()),
    outbox: (limit) => within(['outbox'], 'readonly', async (tx) => (await tx.objectStore('outbox').getAll(null, limit)) as OutboxItem[]),
    outboxSize: () => within(['outbox'], 'readonly', (tx) => tx.objectStore('outbox').count()),
    dropFromOutbox: (ids) =>
      within(['outbox'], 'readwrite', async (tx) => {
        for (const id of ids) await tx.objectStore('outbox').delete(id)
      }),
    async estimate() {
      const { usage, quota } = (await globalThis.navigator?.storage?.estimate?.()) ?? {}
      return usage === undefined || quota === undefined ? undefined : { usage, quota }
    },
    clear: () =>
      within(STORES, 'readwrite', async (tx) => {
        for (const store of STORES) await tx.objectStore(store).clear()
      }),
    close() {
      void opened?.then((db) => db.close()).catch(() => undefined)
      opened = undefined
    },
  }
}
