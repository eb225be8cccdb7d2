import type { ArtifactSummary } from '../../shared/contract/pipelines.ts'
import { must } from '../../shared/core/assert.ts'
import type { ArtifactId } from '../../shared/core/ids.ts'
import type { LineageEvent, LineageExecution, LineageStore, Link, NumberedExecution } from './lineage-store.ts'
import { artifactSummaryOf, type BareArtifact } from './metadata-store.ts'

export type Lineage = { readonly artifacts: ArtifactSummary[]; readonly executions: LineageExecution[]; readonly events: LineageEvent[] }

/** What a walk has come by, by number. */
type Walk = {
  readonly artifacts: Map<number, BareArtifact>
  readonly executions: Set<number>
  readonly inputs: Link[]
  readonly outputs: Link[]
}

/** Each artifact was made by one execution, from its inputs. */
async function ancestry(store: LineageStore, start: number): Promise<Walk> {
  const walk: Walk = { artifacts: new Map(), executions: new Set(), inputs: [], outputs: [] }
  for (let front = [start]; front.length > 0; ) {
    const reached: number[] = []
    for (const row of await store.artifacts(front)) {
      walk.artifacts.set(row.seq, row)
      if (row.made_by === null) continue
      walk.outputs.push({ artifact: row.seq, execution: row.made_by, path: row.made_as ?? '' })
      if (walk.executions.has(row.made_by)) continue
      walk.executions.add(row.made_by)
      reached.push(row.made_by)
    }
    const next = new Set<number>()
    for (const link of await store.inputsOf(reached)) {
      walk.inputs.push(link)
      if (!walk.artifacts.has(link.artifact)) next.add(link.artifact)
    }
    front = [...next]
  }
  return walk
}

/** An artifact may go into any number of executions; those that took their results from the cache lead to artifacts made elsewhere. */
async function descent(store: LineageStore, start: number): Promise<Walk> {
  const executions = new Set<number>()
  const inputs: Link[] = []
  const outputs: Link[] = []
  const seen = new Set([start])
  for (let front = [start]; front.length > 0; ) {
    const reached: number[] = []
    for (const link of await store.usesOf(front)) {
      inputs.push(link)
      if (executions.has(link.execution)) continue
      executions.add(link.execution)
      reached.push(link.execution)
    }
    front = []
    for (const link of await store.outputsOf(reached)) {
      outputs.push(link)
      if (seen.has(link.artifact)) continue
      seen.add(link.artifact)
      front.push(link.artifact)
    }
  }
  const rows = new Map((await store.artifacts([...seen])).map((row) => [row.seq, row]))
  // as they were come by, not as they are stored
  const artifacts = new Map(Array.from(seen, (seq) => [seq, must(rows.get(seq), 'the artifact of a link')]))
  return { artifacts, executions, inputs, outputs }
}

/**
 * Everything an artifact was made from (up), or everything that was made from it (down): breadth first, each artifact and execution once. Two queries per generation,
 * whatever the number of links. Undefined where there is no such artifact.
 */
export async function lineageOf(store: LineageStore, id: ArtifactId, direction: 'up' | 'down'): Promise<Lineage | undefined> {
  const start = await store.numberOf(id)
  if (start === undefined) return undefined
  const walk = await (direction === 'up' ? ancestry : descent)(store, start)
  // those that made an artifact without being part of the lineage are asked for with the rest, and left out of it below
  const makers = Array.from(walk.artifacts.values(), (row) => row.made_by).filter((made_by) => made_by !== null)
  const rows = await store.executions([...new Set([...walk.executions, ...makers])])
  const executions = new Map(rows.map((row) => [row.seq, row]))
  const eventOf = (type: LineageEvent['type']) => (link: Link) => ({
    artifact: must(walk.artifacts.get(link.artifact), 'the artifact of a link').id as ArtifactId,
    execution: must(executions.get(link.execution), 'the execution of a link').id,
    type,
    path: link.path,
  })
  return {
    artifacts: Array.from(walk.artifacts.values(), (row) =>
      artifactSummaryOf(row, row.made_by === null ? undefined : executions.get(row.made_by)),
    ),
    executions: Array.from(walk.executions, (seq) => shownOf(must(executions.get(seq), 'an execution that a link names'))),
    events: [...walk.outputs.map(eventOf('output')), ...walk.inputs.map(eventOf('input'))],
  }
}

const shownOf = ({ id, run, step, component, state }: NumberedExecution): LineageExecution => ({ id, run, step, component, state })
