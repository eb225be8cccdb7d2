import { must } from '../../shared/core/assert.ts'
import type { Bytes } from '../../shared/core/bytes.ts'
import { type NormFacts, normFacts } from '../../shared/federated/norm-facts.ts'
import type { WeightSpec } from '../../shared/federated/update.ts'
import { applyDelta, startWeightedMean } from '../../shared/federated/weighted-mean.ts'
import { assembleTensors } from '../../shared/tensor/pieces.ts'
import { decodeSafetensors, encodeSafetensors } from '../../shared/tensor/safetensors.ts'
import type { Manifest } from '../../shared/trust/manifest.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import type { roundStore, StoredRound } from './round-store.ts'

/** The weights that an update speaks of: those that training moves. */
export const weightsOf = (manifest: Manifest): WeightSpec[] =>
  manifest.tensors.filter(({ dtype }) => dtype === 'float32').map(({ name, shape }) => ({ name, shape }))

export type Aggregate = { readonly body: Bytes; readonly norms: NormFacts | null; readonly examples: number }

/**
 * Base version plus the weighted mean of a round's updates, as safetensors. One update is in memory at a time; the same round gives the same bytes, however
 * often and after whatever crash. Throws output_not_finite.
 */
export async function aggregateRound(
  store: ReturnType<typeof roundStore>,
  blobs: Pick<BlobStore, 'read'>,
  round: StoredRound,
  manifest: Manifest,
): Promise<Aggregate> {
  const mean = startWeightedMean(weightsOf(manifest), round.plan.clipNorm)
  const norms: number[] = []
  let examples = 0
  for (const lease of await store.accepted(round.id)) {
    const body = must(await store.updateBody(lease.id), `the update of ${lease.id}`)
    const count = must(lease.examples, 'the number of examples')
    norms.push(mean.add(decodeSafetensors(body).tensors, count))
    examples += count
  }
  const pieces: Uint8Array[] = []
  for (const { digest } of manifest.pieces) pieces.push(await blobs.read(digest))
  const weights = applyDelta(await assembleTensors(manifest.tensors, pieces), mean.mean())
  const metadata = {
    round: round.id,
    model: round.model,
    base: String(round.plan.base),
    updates: String(norms.length),
    examples: String(examples),
  }
  return { body: encodeSafetensors(weights, metadata), norms: normFacts(norms, round.plan.clipNorm), examples }
}
