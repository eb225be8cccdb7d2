import type { ArtifactSummary } from '../../shared/contract/pipelines.ts'
import type { Sha256 } from '../../shared/core/digest.ts'
import { AppError } from '../../shared/core/errors.ts'
import type { ArtifactId } from '../../shared/core/ids.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import type { Db } from '../storage/database.ts'
import { type Lineage, lineageOf } from './lineage.ts'
import { lineageStore } from './lineage-store.ts'
import { metadataStore } from './metadata-store.ts'

export type Metadata = {
  artifact(id: ArtifactId): Promise<ArtifactSummary>
  content(id: ArtifactId): Promise<{ digest: Sha256; bytes: number; stream: ReadableStream<Uint8Array> }>
  lineage(id: ArtifactId, direction: 'up' | 'down'): Promise<Lineage>
}

export type MetadataOptions = { readonly db: Db; readonly blobs: BlobStore }

export function createMetadata({ db, blobs }: MetadataOptions): Metadata {
  const store = metadataStore(db)
  const links = lineageStore(db)

  async function artifact(id: ArtifactId): Promise<ArtifactSummary> {
    const found = await store.artifact(id)
    if (found === undefined) throw new AppError('not_found', `there is no artifact ${id}`)
    return found
  }

  return {
    artifact,

    async content(id) {
      const { digest } = await artifact(id)
      const bytes = digest === null ? undefined : await blobs.size(digest)
      if (digest === null || bytes === undefined) throw new AppError('unknown_blob', `the content of artifact ${id} is no longer stored`)
      return { digest, bytes, stream: blobs.stream(digest) }
    },

    async lineage(id, direction) {
      const found = await lineageOf(links, id, direction)
      if (found === undefined) throw new AppError('not_found', `there is no artifact ${id}`)
      return found
    },
  }
}
