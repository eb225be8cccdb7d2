import * as z from 'zod'
import type { Client } from '../../../shared/contract/client.ts'
import { fromBase64, fromUtf8 } from '../../../shared/core/bytes.ts'
import { type Sha256, sha256 } from '../../../shared/core/digest.ts'
import { AppError } from '../../../shared/core/errors.ts'
import { digest } from '../../../shared/core/fields.ts'
import type { Slug } from '../../../shared/core/ids.ts'
import { assembleTensors } from '../../../shared/tensor/pieces.ts'
import { type Manifest, manifest } from '../../../shared/trust/manifest.ts'
import type { ModelFile } from './model-file.ts'

/** The version that an alias points at; null when there is none yet. */
export const liveVersion = z.nullable(z.strictObject({ version: z.int(), manifest: digest }))
export type LiveVersion = { readonly version: number; readonly manifest: Sha256 } | null

/** Throws unknown_model. */
export async function findLive(api: Client, model: string, alias: string): Promise<LiveVersion> {
  const { aliases } = await api('models.get', { params: { model: model as Slug } })
  const version = aliases[alias]
  if (version === undefined) return null
  const found = await api('versions.get', { params: { model: model as Slug, version: String(version) } })
  return { version, manifest: found.manifest }
}

/** A version as the fleet gets it: manifest by its digest, tensors out of its pieces. Throws digest_mismatch for anything else. */
export async function fetchVersion(api: Client, digest: Sha256, signal: AbortSignal): Promise<{ manifest: Manifest; model: ModelFile }> {
  const envelope = await api('manifest.get', { params: { digest } }, { signal })
  const payload = fromBase64(envelope.payload)
  if ((await sha256(payload)) !== digest) throw new AppError('digest_mismatch', `the manifest is another one than ${digest}`)
  const document = manifest.parse(JSON.parse(fromUtf8(payload)))
  const pieces = await Promise.all(
    document.pieces.map(async (piece) => {
      const response = await api('blob.get', { params: { digest: piece.digest } }, { signal })
      return new Uint8Array(await response.arrayBuffer())
    }),
  )
  return { manifest: document, model: { topology: document.topology, tensors: await assembleTensors(document.tensors, pieces) } }
}
