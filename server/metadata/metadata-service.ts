import type { ArtifactSummary } from '../../shared/contract/pipelines.ts'
import type { Sha256 } from '../../shared/core/digest.ts'
import { AppError } from '../../shared/core/errors.ts'
import type { ArtifactId, StepId } from '../../shared/core/ids.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import type { Db } from '../storage/database.ts'
import { type LineageEvent, type LineageExecution, metadataStore } from './metadata-store.ts'

export type Lineage = { readonly artifacts: ArtifactSummary[]; readonly executions: LineageExecution[]; readonly events: LineageEvent[] }

export type Metadata = {
  artifact(id: ArtifactId): Promise<ArtifactSummary>
  content(id: ArtifactId): Promise<{ digest: Sha256; bytes: number; stream: ReadableStream<Uint8Array> }>
  lineage(id: ArtifactId, direction: 'up' | 'down'): Promise<Lineage>
}

export type MetadataOptions = { readonly db: Db; readonly blobs: BlobStore }

export function createMetadata({ db, blobs }: MetadataOptions): Metadata {
  const store = metadataStore(db)

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

    /**
     * Everything an artifact was made from (up), or everything that was made from it (down): breadth first over the events, each artifact and execution once. One
     * query per generation and kind, whatever the number of links.
     */
    async lineage(id, direction) {
      const start = await artifact(id)
      const [near, far] = direction === 'up' ? (['output', 'input'] as const) : (['input', 'output'] as const)
      const artifacts = new Set<ArtifactId>([id])
      const executions = new Set<StepId>()
      const events: LineageEvent[] = []
      for (let front: ArtifactId[] = [id]; front.length > 0; ) {
        const touching = await store.eventsOfArtifacts(front, near)
        events.push(...touching)
        const reached = [...new Set(touching.map((event) => event.execution))].filter((execution) => !executions.has(execution))
        for (const execution of reached) executions.add(execution)
        const beyond = await store.eventsOfExecutions(reached, far)
        events.push(...beyond)
        front = [...new Set(beyond.map((event) => event.artifact))].filter((other) => !artifacts.has(other))
        for (const other of front) artifacts.add(other)
      }
      const found = await store.executions([...executions])
      const byId = new Map(found.map((execution) => [execution.id, execution]))
      const makers = new Map<string, LineageExecution>()
      for (const { type, artifact: made, execution } of events) {
        const maker = byId.get(execution)
        if (type === 'output' && maker !== undefined && maker.state !== 'cached') makers.set(made, maker)
      }
      artifacts.delete(id)
      // those that every execution on the way took from the cache were made elsewhere
      const [made, taken] = [[...artifacts].filter((other) => makers.has(other)), [...artifacts].filter((other) => !makers.has(other))]
      const summaries = [...(await store.artifactsMadeBy(made, makers)), ...(await store.artifacts(taken))]
      const order = new Map([...artifacts].map((other, i) => [other, i]))
      return {
        artifacts: [start, ...summaries.sort((a, b) => (order.get(a.id) ?? 0) - (order.get(b.id) ?? 0))],
        executions: found,
        events,
      }
    },
  }
}
