import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { Bytes } from '../../shared/core/bytes.ts'
import type { Sha256 } from '../../shared/core/digest.ts'
import { AppError } from '../../shared/core/errors.ts'
import { MAX_BLOB_BYTES } from '../../shared/core/limits.ts'
import type { Random } from '../../shared/core/random.ts'
import { type BlobFile, type BlobFs, nodeBlobFs } from './blob-fs.ts'

/** Bytes named by their SHA256. What it has acknowledged survives a crash; what it has not leaves nothing behind. */
export type BlobStore = {
  /**
   * Stores bytes. Fails with `digest_mismatch` (not the bytes that `expect` names), `body_too_large` (beyond `maxBytes`, counted while they come),
   * `storage_full` and `unavailable`; then nothing was stored.
   */
  put(
    data: ReadableStream<Uint8Array> | Uint8Array,
    options?: { expect?: Sha256; maxBytes?: number },
  ): Promise<{ digest: Sha256; bytes: number; existed: boolean }>
  has(digest: Sha256): Promise<boolean>
  size(digest: Sha256): Promise<number | undefined>
  /** Fails with `unknown_blob`, and with `damaged_data` when the disk gives back other bytes than were stored. */
  read(digest: Sha256): Promise<Bytes>
  /** Bytes `start` to `end`, both included, both in the blob. */
  stream(digest: Sha256, range?: { start: number; end: number }): ReadableStream<Uint8Array>
  /** The file on this machine. It is never changed, so it may be read at any time. */
  path(digest: Sha256): string
  /** Fails when the store cannot take writes now. */
  check(): Promise<void>
}

/** Below this much free disk no upload is taken, so that the database can still grow. */
const RESERVE_BYTES = 256 * 1024 * 1024

export type FsBlobsOptions = { readonly folder: string; readonly random: Random; readonly fs?: BlobFs; readonly reserveBytes?: number }

export async function createFsBlobs({ folder, random, fs = nodeBlobFs, reserveBytes = RESERVE_BYTES }: FsBlobsOptions): Promise<BlobStore> {
  const incoming = join(folder, 'incoming')
  await fs.makeFolder(incoming)
  // what a crash left half-written; nobody was told that it is stored
  for (const name of await fs.list(incoming)) await fs.remove(join(incoming, name))

  const shard = (digest: Sha256): string => join(folder, digest.slice(0, 2))
  const path = (digest: Sha256): string => join(shard(digest), digest.slice(2))
  const size = (digest: Sha256): Promise<number | undefined> => fs.size(path(digest))

  /** Makes a stored file's name durable: also one that is there already, since whoever stored it may not have come this far. */
  const settle = async (digest: Sha256, bytes: number, existed: boolean) => {
    await fs.syncFolder(shard(digest))
    return { digest, bytes, existed }
  }

  const write = async (chunks: AsyncIterable<Uint8Array>, expect: Sha256 | undefined, maxBytes: number) => {
    if ((await fs.free(folder)) < reserveBytes)
      throw new AppError('storage_full', `fewer than ${reserveBytes} bytes are free on the disk of ${folder}`)
    const temporary = join(incoming, Buffer.from(random.bytes(12)).toString('hex'))
    const file = await fs.create(temporary)
    try {
      const { digest, bytes } = await writeOut(file, chunks, expect, maxBytes)
      if ((await size(digest)) === bytes) {
        await fs.remove(temporary)
        return await settle(digest, bytes, true)
      }
      await fs.makeFolder(shard(digest))
      await fs.rename(temporary, path(digest))
      return await settle(digest, bytes, false)
    } catch (thrown) {
      await fs.remove(temporary).catch(() => {})
      throw thrown
    }
  }

  return {
    put: async (data, { expect, maxBytes = MAX_BLOB_BYTES } = {}) => {
      const chunks = data instanceof Uint8Array ? only(data) : data
      try {
        if (expect === undefined || (await size(expect)) === undefined) return await write(chunks, expect, maxBytes)
        const { digest, bytes } = await consume(chunks, expect, maxBytes)
        return await settle(digest, bytes, true)
      } catch (thrown) {
        throw fileFailure(thrown)
      }
    },
    has: async (digest) => (await size(digest)) !== undefined,
    size,
    read: async (digest) => {
      const buffer = await readFile(path(digest)).catch((thrown: unknown) => {
        throw isMissing(thrown) ? unknownBlob(digest) : fileFailure(thrown)
      })
      const bytes = new Uint8Array(buffer.buffer as ArrayBuffer, buffer.byteOffset, buffer.byteLength)
      if (createHash('sha256').update(bytes).digest('hex') !== digest)
        throw new AppError('damaged_data', `blob ${digest} no longer holds the bytes that it names: restore it from a backup`)
      return bytes
    },
    stream: (digest, range) => Readable.toWeb(createReadStream(path(digest), range ?? {})) as ReadableStream<Uint8Array>,
    path,
    check: async () => {
      try {
        const probe = join(incoming, `probe-${Buffer.from(random.bytes(6)).toString('hex')}`)
        const file = await fs.create(probe)
        await file.close()
        await fs.remove(probe)
        if ((await fs.free(folder)) < reserveBytes) throw new AppError('storage_full', `fewer than ${reserveBytes} bytes are free`)
      } catch (thrown) {
        throw fileFailure(thrown)
      }
    },
  }
}

async function writeOut(file: BlobFile, chunks: AsyncIterable<Uint8Array>, expect: Sha256 | undefined, maxBytes: number) {
  try {
    const result = await consume(chunks, expect, maxBytes, (chunk) => file.write(chunk))
    await file.sync()
    return result
  } finally {
    await file.close()
  }
}

async function consume(
  chunks: AsyncIterable<Uint8Array>,
  expect: Sha256 | undefined,
  maxBytes: number,
  each?: (chunk: Uint8Array) => Promise<void>,
) {
  const hash: Hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.length
    if (bytes > maxBytes) throw new AppError('body_too_large', `more than ${maxBytes} bytes came`)
    hash.update(chunk)
    await each?.(chunk)
  }
  const digest = hash.digest('hex') as Sha256
  if (expect !== undefined && digest !== expect)
    throw new AppError('digest_mismatch', `${bytes} bytes came whose digest is ${digest}, expected ${expect}`)
  return { digest, bytes }
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

const isMissing = (thrown: unknown): boolean => (thrown as NodeJS.ErrnoException | null)?.code === 'ENOENT'

export const unknownBlob = (digest: Sha256): AppError =>
  new AppError('unknown_blob', `there is no blob ${digest}: upload it first (PUT /v1/blobs/${digest})`)

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])
const REFUSED = new Set(['EIO', 'EMFILE', 'ENFILE', 'EROFS', 'EACCES', 'EPERM', 'EBUSY', 'ENOENT', 'ENOMEM'])

function fileFailure(thrown: unknown): unknown {
  const { code } = (thrown ?? {}) as NodeJS.ErrnoException
  if (thrown instanceof AppError || typeof code !== 'string') return thrown
  if (FULL.has(code)) return new AppError('storage_full', 'the disk has no room for this blob', { cause: thrown })
  if (REFUSED.has(code)) return new AppError('unavailable', `the blob store did not take the write (${code})`, { cause: thrown })
  return thrown
}
