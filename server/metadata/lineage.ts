import type { ArtifactSummary } from '../../shared/contract/pipelines.ts'
import { must } from '../../shared/core/assert.ts'
import type { ArtifactId, StepId } from '../../shared/core/ids.ts'
import type { LineageEvent, LineageExecution, LineageStore, Link } from './lineage-store.ts'
import { artifactSummaryOf } from './metadata-store.ts'

export type Lineage = { readonly artifacts: ArtifactSummary[]; readonly executions: LineageExecution[]; readonly events: LineageEvent[] }

/** What a walk comes by: ids by number, what was put out, and what went in, whose ends may not be known yet. */
function startWalk() {
  return {
    artifacts: [] as ArtifactSummary[],
    executions: [] as LineageExecution[],
    artifactIds: new Map<number, ArtifactId>(),
    executionIds: new Map<number, StepId>(),
    outputs: [] as LineageEvent[],
    inputs: [] as Link[],
  }
}
type Walk = ReturnType<typeof startWalk>

/** Each artifact was made by one execution, from its inputs. */
async function ancestry(store: LineageStore, start: number): Promise<Walk> {
  const walk = startWalk()
  for (let front = [start]; front.length > 0; ) {
    const reached: number[] = []
    for (const row of await store.made(front)) {
      const id = row.id as ArtifactId
      walk.artifactIds.set(row.seq, id)
      walk.artifacts.push(artifactSummaryOf(row, row))
      if (row.made_by === null || row.execution === null) continue
      const { execution, run, step, component, state } = row
      walk.outputs.push({ artifact: id, execution, type: 'output', path: row.made_as ?? '' })
      if (walk.executionIds.has(row.made_by)) continue
      walk.executionIds.set(row.made_by, execution)
      walk.executions.push({ id: execution, run, step, component, state })
      reached.push(row.made_by)
    }
    const next = new Set<number>()
    for (const link of await store.inputsOf(reached)) {
      walk.inputs.push(link)
      if (!walk.artifactIds.has(link.artifact)) next.add(link.artifact)
    }
    front = [...next]
  }
  return walk
}

/** An artifact may go into any number of executions; those that took their results from the cache lead to artifacts made elsewhere. */
async function descent(store: LineageStore, start: number): Promise<Walk> {
  const walk = startWalk()
  for (const row of await store.made([start])) {
    walk.artifactIds.set(start, row.id as ArtifactId)
    walk.artifacts.push(artifactSummaryOf(row, row))
  }
  const seen = new Set<number>()
  for (let front = [start]; front.length > 0; ) {
    const reached: number[] = []
    for (const link of await store.usesOf(front)) {
      walk.inputs.push(link)
      if (seen.has(link.execution)) continue
      seen.add(link.execution)
      reached.push(link.execution)
    }
    front = []
    for (const row of await store.putOut(reached)) {
      const { execution, run, step, component, state, number } = row
      if (!walk.executionIds.has(number)) {
        walk.executionIds.set(number, execution)
        walk.executions.push({ id: execution, run, step, component, state })
      }
      if (row.seq === null) continue
      const id = row.id as ArtifactId
      walk.outputs.push({ artifact: id, execution, type: 'output', path: row.path ?? '' })
      if (walk.artifactIds.has(row.seq)) continue
      walk.artifactIds.set(row.seq, id)
      walk.artifacts.push(artifactSummaryOf(row, row.made_by === number ? row : { run: row.maker_run, step: row.maker_step }))
      front.push(row.seq)
    }
  }
  return walk
}

/**
 * Everything an artifact was made from (up), or everything that was made from it (down): breadth first, each artifact and execution once. Two queries per generation,
 * whatever the number of links. Undefined where there is no such artifact.
 */
export async function lineageOf(store: LineageStore, id: ArtifactId, direction: 'up' | 'down'): Promise<Lineage | undefined> {
  const start = await store.numberOf(id)
  if (start === undefined) return undefined
  const { artifacts, executions, artifactIds, executionIds, outputs, inputs } = await (direction === 'up' ? ancestry : descent)(
    store,
    start,
  )
  const taken = inputs.map(
    ({ artifact, execution, path }): LineageEvent => ({
      artifact: must(artifactIds.get(artifact), 'the artifact of a link'),
      execution: must(executionIds.get(execution), 'the execution of a link'),
      type: 'input',
      path,
    }),
  )
  return { artifacts, executions, events: outputs.concat(taken) }
}
