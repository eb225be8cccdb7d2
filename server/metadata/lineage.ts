import type { ArtifactSummary } from '../../shared/contract/pipelines.ts'
import type { ArtifactId, RunId, StepId } from '../../shared/core/ids.ts'
import type { StepState } from '../pipeline/planner.ts'
import type { ArtifactRecord, ExecutionRecord, LineageStore } from './lineage-store.ts'
import type { Links } from './metadata-store.ts'
import { numberSet } from './number-set.ts'

export type LineageEvent = {
  readonly artifact: ArtifactId
  readonly execution: StepId
  readonly type: 'input' | 'output'
  readonly path: string
}
export type LineageExecution = {
  readonly id: StepId
  readonly run: RunId
  readonly step: string
  readonly component: string
  readonly state: StepState
}
export type Lineage = {
  readonly artifacts: ArtifactSummary[]
  readonly executions: LineageExecution[]
  readonly events: LineageEvent[]
}
type Direction = 'up' | 'down'

/** What a walk comes by, in its order. */
type Found = { readonly artifacts: ArtifactRecord[]; readonly executions: ExecutionRecord[] }

/**
 * Up, each artifact leads to the one execution that made it, and that to its inputs. Down, an artifact leads to any number of executions that took it, and those to all that they put
 * out: what one took from the cache was made elsewhere.
 */
async function walk(store: LineageStore, start: number, direction: Direction): Promise<Found> {
  const found: Found = { artifacts: [], executions: [] }
  const numbers = [start]
  const reached = numberSet()
  const met = numberSet()
  reached.add(start)
  for (let front = [start]; front.length > 0; ) {
    const next: number[] = []
    if (direction === 'up') {
      for (const artifact of await store.artifacts(front)) {
        found.artifacts.push(artifact)
        const maker = artifact[8]
        if (maker !== null && met.add(maker)) next.push(maker)
      }
    } else for (const user of await store.users(front)) if (met.add(user)) next.push(user)
    front = []
    for (const execution of await store.executions(next)) {
      found.executions.push(execution)
      const links = execution[direction === 'up' ? 0 : 1]
      for (const path in links) {
        const artifact = links[path] ?? Number.NaN
        if (reached.add(artifact)) front.push(artifact)
      }
    }
    for (const artifact of front) numbers.push(artifact)
  }
  return direction === 'up' ? found : { ...found, artifacts: await store.artifacts(numbers) }
}

/** Those that the walk has come by, and all makers of its artifacts. */
async function executionsByNumber(store: LineageStore, { artifacts, executions }: Found): Promise<Map<number, ExecutionRecord>> {
  const known = new Map<number, ExecutionRecord>()
  for (const execution of executions) known.set(execution[2], execution)
  const missing = new Set<number>()
  for (const artifact of artifacts) {
    const maker = artifact[8]
    if (maker !== null && !known.has(maker)) missing.add(maker)
  }
  for (const execution of await store.executions([...missing])) known.set(execution[2], execution)
  return known
}

/**
 * Everything an artifact was made from (up), or everything that was made from it (down): breadth first, each artifact and execution once. Two queries per generation, and
 * one for a thousand artifacts. Undefined where there is no such artifact.
 */
export async function lineageOf(store: LineageStore, id: ArtifactId, direction: Direction): Promise<Lineage | undefined> {
  const start = await store.numberOf(id)
  if (start === undefined) return undefined
  const found = await walk(store, start, direction)
  const known = await executionsByNumber(store, found)
  const ids = new Map<number, ArtifactId>()
  const artifacts: ArtifactSummary[] = []
  const executions: LineageExecution[] = []
  const events: LineageEvent[] = []
  for (const [properties, seq, artifact, type, name, digest, bytes, created, maker, path] of found.artifacts) {
    const by = maker === null ? undefined : known.get(maker)
    ids.set(seq, artifact)
    artifacts.push({ id: artifact, type, name, digest, bytes, created, properties, run: by?.[4] ?? null, step: by?.[5] ?? null })
    // not by what the maker put out: it may have been done again, and have put out others since
    if (direction === 'up' && by !== undefined) events.push({ artifact, execution: by[3], type: 'output', path: path ?? '' })
  }
  const addEvents = (links: Links, execution: StepId, type: LineageEvent['type']): void => {
    for (const path in links) {
      // not all that an execution took leads back to where the walk began
      const artifact = ids.get(links[path] ?? Number.NaN)
      if (artifact !== undefined) events.push({ artifact, execution, type, path })
    }
  }
  for (const [inputs, outputs, , execution, run, step, component, state] of found.executions) {
    executions.push({ id: execution, run, step, component, state })
    if (direction === 'down') addEvents(outputs, execution, 'output')
    addEvents(inputs, execution, 'input')
  }
  return { artifacts, executions, events }
}
