import type { Sha256 } from '../../shared/core/digest.ts'
import type { WorkerConnection } from '../../shared/worker/connect-worker.ts'
import type { LoadedVersion, ServingApi } from './serving-api.ts'

type Entry = { readonly generation: number; readonly loading: Promise<LoadedVersion>; users: number; dropped: boolean }

export type ServedVersions = {
  /** Runs `work` while the version is loaded, loading it first where it is not. A version that cannot be loaded is not kept. */
  use<T>(digest: Sha256, load: () => Promise<LoadedVersion>, work: (loaded: LoadedVersion) => Promise<T>): Promise<T>
  /** Lets go of a version once nobody uses it. */
  drop(digest: Sha256): void
}

/** Versions in the serving thread by manifest digest, at most `most` that nobody uses; what was used longest ago goes first. */
export function servedVersions(thread: WorkerConnection<ServingApi>, most: number): ServedVersions {
  // in order of last use
  const entries = new Map<Sha256, Entry>()

  const unload = (digest: Sha256, { generation }: Entry): void => {
    // a thread that ended has taken its versions with it
    if (generation === thread.generation) void thread.call('unload', [digest]).catch(() => undefined)
  }
  const drop = (digest: Sha256): void => {
    const entry = entries.get(digest)
    if (entry === undefined) return
    entries.delete(digest)
    entry.dropped = true
    if (entry.users === 0) unload(digest, entry)
  }
  const acquire = (digest: Sha256, load: () => Promise<LoadedVersion>): Entry => {
    const known = entries.get(digest)
    const entry =
      known?.generation === thread.generation
        ? known
        : {
            generation: thread.generation,
            loading: load(),
            users: 0,
            dropped: false,
          }
    entries.delete(digest)
    entries.set(digest, entry)
    entry.users++
    return entry
  }

  return {
    async use(digest, load, work) {
      const entry = acquire(digest, load)
      try {
        const loaded = await entry.loading.catch((thrown: unknown) => {
          if (entries.get(digest) === entry) entries.delete(digest)
          throw thrown
        })
        return await work(loaded)
      } finally {
        entry.users--
        // loaded anew meanwhile: the thread holds one of each digest
        if (entry.dropped && entry.users === 0 && !entries.has(digest)) unload(digest, entry)
        for (const [other, { users }] of entries) {
          if (entries.size <= most) break
          if (users === 0) drop(other)
        }
      }
    },
    drop,
  }
}
