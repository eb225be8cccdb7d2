import { type Sha256, sha256 } from '../../../shared/core/digest.ts'
import { AppError, toAppError } from '../../../shared/core/errors.ts'
import { assembleTensors } from '../../../shared/tensor/pieces.ts'
import type { NamedTensors } from '../../../shared/tensor/tensor.ts'
import type { Envelope } from '../../../shared/trust/dsse.ts'
import { type Manifest, verifyManifest } from '../../../shared/trust/manifest.ts'
import type { Progress } from '../api.ts'
import type { VersionRef } from '../assignment.ts'
import type { DeviceContext } from '../device-context.ts'
import { downloadPiece } from './download-piece.ts'
import { withRoot } from './trusted-root.ts'

/** A version that is on this device: verified, in storage or (where there is no room) in memory. */
export type VersionSource = {
  readonly ref: VersionRef
  readonly manifest: Manifest
  readonly envelope: Envelope
  /** Its pieces are all in storage. */
  readonly stored: boolean
  /** The weights, each tensor checked against its digest on every call. A piece that has spoilt in storage is fetched again. */
  tensors(): Promise<NamedTensors>
}

export type ObtainOptions = {
  readonly model: string
  readonly signal?: AbortSignal | undefined
  readonly onProgress: (progress: Progress) => void
  /** Frees storage of all but these pieces and what is in use; called once when it is full. */
  readonly makeRoom: (keep: readonly Sha256[]) => Promise<void>
  /** Pieces that found no room, shared by the versions of one model in this session. */
  readonly volatile: Map<Sha256, Blob>
}

/** The manifest that `ref` names, from storage or the server, verified either way. */
async function obtainManifest(
  context: DeviceContext,
  model: string,
  ref: VersionRef,
  signal?: AbortSignal,
): Promise<{ manifest: Manifest; envelope: Envelope }> {
  const expected = { model, version: ref.version, digest: ref.manifest }
  const record = await context.storage.version(ref.manifest)
  if (record) {
    const known = await withRoot(context, (root) => verifyManifest(record.envelope, root, expected), signal).then(
      (manifest) => ({ manifest, envelope: record.envelope }),
      toAppError,
    )
    if (!(known instanceof AppError)) return known
    // spoilt in storage: it is fetched again
    context.note(known)
  }
  const envelope = await context.client('manifest.get', { params: { digest: ref.manifest } }, signal ? { signal } : {})
  return { manifest: await withRoot(context, (root) => verifyManifest(envelope, root, expected), signal), envelope }
}

/** Brings a version onto this device: manifest, then the pieces that are not there yet. Nothing is activated. */
export async function obtainVersion(context: DeviceContext, ref: VersionRef, options: ObtainOptions): Promise<VersionSource> {
  const { model, signal, onProgress, volatile } = options
  onProgress({ model, version: ref.version, phase: 'manifest', loaded: 0, total: 0 })
  const { manifest, envelope } = await obtainManifest(context, model, ref, signal)
  const wanted = new Map(manifest.pieces.map(({ digest, bytes }) => [digest, bytes]))
  const total = [...wanted.values()].reduce((sum, bytes) => sum + bytes, 0)
  let before = 0

  async function fetchPiece(digest: Sha256, bytes: number): Promise<void> {
    const onBytes = (loaded: number) => onProgress({ model, version: ref.version, phase: 'download', loaded: before + loaded, total })
    const data = new Blob([await downloadPiece(context, { digest, bytes, signal, onBytes })])
    const put = () => context.storage.putPiece(digest, data)
    const isFull = (thrown: unknown) => {
      if (!(thrown instanceof AppError) || thrown.code !== 'storage_full') throw thrown
      context.note(thrown)
    }
    try {
      await put()
    } catch (thrown) {
      isFull(thrown)
      await options.makeRoom([...wanted.keys()])
      await put().catch((again: unknown) => {
        isFull(again)
        volatile.set(digest, data)
      })
    }
  }

  for (const [digest, bytes] of wanted) {
    if (!volatile.has(digest) && !(await context.storage.hasPiece(digest))) await fetchPiece(digest, bytes)
    before += bytes
    onProgress({ model, version: ref.version, phase: 'download', loaded: before, total })
  }

  const read = async (digest: Sha256) => {
    const blob = volatile.get(digest) ?? (await context.storage.piece(digest))
    return blob === undefined ? undefined : new Uint8Array(await blob.arrayBuffer())
  }
  const assemble = async () => assembleTensors(manifest.tensors, await Promise.all(manifest.pieces.map(({ digest }) => read(digest))))

  return {
    ref,
    manifest,
    envelope,
    stored: manifest.pieces.every(({ digest }) => !volatile.has(digest)),
    async tensors() {
      try {
        return await assemble()
      } catch (thrown) {
        const error = toAppError(thrown)
        if (error.code !== 'digest_mismatch' && error.code !== 'truncated') throw error
        const healed = await heal(context, manifest, read, fetchPiece)
        if (healed === 0) throw error
        return assemble()
      }
    },
  }
}

/** Fetches the pieces again whose stored bytes are not what their names say. How many there were. */
async function heal(
  context: DeviceContext,
  manifest: Manifest,
  read: (digest: Sha256) => Promise<Uint8Array<ArrayBuffer> | undefined>,
  fetchPiece: (digest: Sha256, bytes: number) => Promise<void>,
): Promise<number> {
  let healed = 0
  for (const { digest, bytes } of manifest.pieces) {
    const data = await read(digest).catch(() => undefined)
    if (data !== undefined && (await sha256(data)) === digest) continue
    context.note(new AppError('digest_mismatch', `piece ${digest.slice(0, 12)} has spoilt in storage and is fetched again`))
    await context.storage.dropPiece(digest)
    await fetchPiece(digest, bytes)
    healed++
  }
  return healed
}
