import { dirname } from 'node:path'
import type { BlobFs } from '../../../server/storage/blob-fs.ts'

type Inode = { written: Uint8Array; synced: Uint8Array }

/** What the power cut leaves of what was not synced: nothing, all of it, or the names without the data (the nasty case). */
export type Loss = 'everything unsynced' | 'nothing' | 'data but not names' | 'names but not data'
export const LOSSES: readonly Loss[] = ['everything unsynced', 'nothing', 'data but not names', 'names but not data']

export class PowerCut extends Error {}

/**
 * A file system in memory that knows what has reached the disk: data with sync of its file, names with sync of their folder. The power goes at call number
 * `cutAt`, before that call does anything; `after(loss)` is what the next start finds.
 */
export function crashingFs(cutAt = Number.POSITIVE_INFINITY, start: ReadonlyMap<string, Uint8Array> = new Map()) {
  const asInode = (bytes: Uint8Array): Inode => ({ written: bytes, synced: bytes })
  const live = new Map<string, Inode>([...start].map(([path, bytes]) => [path, asInode(bytes)]))
  const durable = new Map(live)
  let calls = 0
  const tick = (): void => {
    if (calls++ >= cutAt) throw new PowerCut(`the power went at call ${cutAt}`)
  }
  const fs: BlobFs = {
    makeFolder: async () => tick(),
    create: async (path) => {
      tick()
      const inode: Inode = { written: new Uint8Array(0), synced: new Uint8Array(0) }
      live.set(path, inode)
      return {
        write: async (bytes) => {
          tick()
          inode.written = new Uint8Array(Buffer.concat([inode.written, bytes]))
        },
        sync: async () => {
          tick()
          inode.synced = inode.written
        },
        close: async () => tick(),
      }
    },
    rename: async (from, to) => {
      tick()
      const inode = live.get(from)
      if (!inode) throw new Error(`nothing at ${from}`)
      live.delete(from)
      live.set(to, inode)
    },
    remove: async (path) => {
      tick()
      live.delete(path)
    },
    size: async (path) => {
      tick()
      return live.get(path)?.written.length
    },
    list: async (folder) => {
      tick()
      return [...live.keys()].filter((path) => dirname(path) === folder).map((path) => path.slice(folder.length + 1))
    },
    syncFolder: async (folder) => {
      tick()
      for (const path of [...durable.keys()]) if (dirname(path) === folder) durable.delete(path)
      for (const [path, inode] of live) if (dirname(path) === folder) durable.set(path, inode)
    },
    free: async () => {
      tick()
      return 2 ** 40
    },
  }
  const after = (loss: Loss): Map<string, Uint8Array> => {
    const names = loss === 'nothing' || loss === 'names but not data' ? live : durable
    const data = loss === 'nothing' || loss === 'data but not names' ? 'written' : 'synced'
    return new Map([...names].map(([path, inode]) => [path, inode[data]]))
  }
  return { fs, after, calls: () => calls }
}
