import type { TrainingPlan } from '../../../shared/contract/federation.ts'
import type { Sha256 } from '../../../shared/core/digest.ts'
import { obtainVersion, type VersionSource } from '../delivery/version-source.ts'
import type { DeviceContext } from '../device-context.ts'

/**
 * The version that a round starts from: from storage where it is the one that answers here, else downloaded, verified likewise, and kept in memory only. Nothing of
 * it is activated.
 */
export function obtainBase(
  context: DeviceContext,
  { model, base, baseManifest }: TrainingPlan,
  { signal, onBytes }: { signal: AbortSignal; onBytes: (loaded: number, total: number) => void },
): Promise<VersionSource> {
  const volatile = new Map<Sha256, Blob>()
  const storage = { ...context.storage, putPiece: async (digest: Sha256, bytes: Blob) => void volatile.set(digest, bytes) }
  return obtainVersion(
    { ...context, storage },
    { version: base, manifest: baseManifest },
    {
      model,
      signal,
      volatile,
      makeRoom: () => Promise.resolve(),
      onProgress: ({ phase, loaded, total }) => phase === 'download' && onBytes(loaded, total),
    },
  )
}
