import type { ArtifactSummary } from '../../shared/contract/pipelines.ts'
import type { Sha256 } from '../../shared/core/digest.ts'
import { AppError } from '../../shared/core/errors.ts'
import type { ArtifactId, StepId } from '../../shared/core/ids.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import type { Db } from '../storage/database.ts'
import { artifactSummaryOf, type BareArtifact, type LineageEvent, type LineageExecution, metadataStore } from './metadata-store.ts'

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
     * Everything an artifact was made from (up), or everything that was made from it (down): breadth first, each artifact and execution once. Two queries per
     * generation, whatever the number of links.
     */
    async lineage(id, direction) {
      const found = direction === 'up' ? await ancestry([id]) : await descent(id)
      if (!found.artifacts.has(id)) throw new AppError('not_found', `there is no artifact ${id}`)
      const executions = await store.executions([...found.executions])
      const byId = new Map(executions.map((execution) => [execution.id as string, execution]))
      const makers = new Set<string>()
      for (const { made_by } of found.artifacts.values()) if (made_by !== null && !byId.has(made_by)) makers.add(made_by)
      for (const maker of await store.executions([...makers])) byId.set(maker.id, maker)
      const artifacts = Array.from(found.artifacts.values(), (row) => {
        const maker = row.made_by === null ? undefined : byId.get(row.made_by)
        return artifactSummaryOf(row, maker)
      })
      return { artifacts, executions, events: found.events }
    },
  }

  /** Each artifact was made by one execution, from its inputs. */
  async function ancestry(start: readonly ArtifactId[]): Promise<Walk> {
    const walk = newWalk()
    for (let front: readonly string[] = start; front.length > 0; ) {
      const reached: string[] = []
      for (const row of await store.bareArtifacts(front)) {
        walk.artifacts.set(row.id, row)
        if (row.made_by === null) continue
        walk.events.push({ artifact: row.id as ArtifactId, execution: row.made_by as StepId, type: 'output', path: row.made_as ?? '' })
        if (walk.executions.has(row.made_by)) continue
        walk.executions.add(row.made_by)
        reached.push(row.made_by)
      }
      const inputs = await store.eventsOfExecutions(reached, 'input')
      for (const event of inputs) walk.events.push(event)
      front = [...new Set(inputs.map(({ artifact }) => artifact as string))].filter((other) => !walk.artifacts.has(other))
    }
    return walk
  }

  /** An artifact may go into any number of executions; those that took their results from the cache lead to artifacts made elsewhere. */
  async function descent(start: ArtifactId): Promise<Walk> {
    const walk = newWalk()
    const seen = new Set<string>([start])
    for (let front: string[] = [start]; front.length > 0; ) {
      const reached: string[] = []
      for (const event of await store.eventsOfArtifacts(front, 'input')) {
        walk.events.push(event)
        if (walk.executions.has(event.execution)) continue
        walk.executions.add(event.execution)
        reached.push(event.execution)
      }
      front = []
      for (const event of await store.eventsOfExecutions(reached, 'output')) {
        walk.events.push(event)
        if (seen.has(event.artifact)) continue
        seen.add(event.artifact)
        front.push(event.artifact)
      }
    }
    const rows = new Map((await store.bareArtifacts([...seen])).map((row) => [row.id, row]))
    for (const artifact of seen) {
      const row = rows.get(artifact)
      if (row !== undefined) walk.artifacts.set(artifact, row)
    }
    return walk
  }
}

type Walk = { readonly artifacts: Map<string, BareArtifact>; readonly executions: Set<string>; readonly events: LineageEvent[] }
const newWalk = (): Walk => ({ artifacts: new Map(), executions: new Set(), events: [] })
