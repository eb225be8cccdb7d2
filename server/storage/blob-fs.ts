import { constants } from 'node:fs'
import { mkdir, open, readdir, rename, stat, statfs, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'

/** The file system as the blob store uses it: a seam, so that a test can fail or crash at any call. */
export type BlobFs = {
  makeFolder(path: string): Promise<void>
  /** A new file, opened for writing; fails when there is one already. */
  create(path: string): Promise<BlobFile>
  rename(from: string, to: string): Promise<void>
  remove(path: string): Promise<void>
  /** Undefined when there is no such file. */
  size(path: string): Promise<number | undefined>
  list(folder: string): Promise<string[]>
  /** Makes the names in a folder durable. */
  syncFolder(path: string): Promise<void>
  /** Bytes that can still be written on this disk. */
  free(path: string): Promise<number>
}

export type BlobFile = { write(bytes: Uint8Array): Promise<void>; sync(): Promise<void>; close(): Promise<void> }

export const nodeBlobFs: BlobFs = {
  makeFolder: async (path) => {
    const first = await mkdir(path, { recursive: true })
    // a folder's own name lives in its parent
    if (first !== undefined) await syncFolder(dirname(first))
  },
  create: async (path) => {
    const handle = await open(path, 'wx', 0o600)
    return {
      write: async (bytes) => {
        for (let at = 0; at < bytes.length; ) at += (await handle.write(bytes, at, bytes.length - at)).bytesWritten
      },
      sync: () => handle.sync(),
      close: () => handle.close(),
    }
  },
  rename,
  remove: unlink,
  size: async (path) => {
    try {
      return (await stat(path)).size
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw thrown
    }
  },
  list: (folder) => readdir(folder),
  syncFolder,
  free: async (path) => {
    const { bavail, bsize } = await statfs(path)
    return bavail * bsize
  },
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
