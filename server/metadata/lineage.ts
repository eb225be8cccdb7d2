import type { ArtifactSummary } from '../../shared/contract/pipelines.ts'
import type { ArtifactId } from '../../shared/core/ids.ts'
import type { KnownExecution, LineageEvent, LineageExecution, LineageStore, LineageWalk, Links } from './lineage-store.ts'
import { type NumberSet, numberSet } from './number-set.ts'

/** Its parts are shared with other replies: nobody may change them. */
export type Lineage = {
  readonly artifacts: Readonly<ArtifactSummary>[]
  readonly executions: LineageExecution[]
  readonly events: LineageEvent[]
}

/** What a walk comes by, in its order. */
type Found = {
  readonly artifacts: Readonly<ArtifactSummary>[]
  readonly executions: KnownExecution[]
  readonly outputs: LineageEvent[]
  readonly inputs: LineageEvent[]
}

const nothingYet = (): Found => ({ artifacts: [], executions: [], outputs: [], inputs: [] })

/** Each artifact was made by one execution, from its inputs. */
async function ancestry(walk: LineageWalk, start: number): Promise<Found> {
  const found = nothingYet()
  const reached = numberSet()
  const makers = numberSet()
  reached.add(start)
  let executions: KnownExecution[] = []
  for (let front = [start]; front.length > 0; ) {
    const next: number[] = []
    const made = await walk.artifactsWithMakers(front)
    for (const { summary, maker } of made) {
      found.artifacts.push(summary)
      if (maker !== null && makers.add(maker)) next.push(maker)
    }
    // all that went into these is known now
    for (const execution of executions) addEvents(found.inputs, walk, execution, 'input')
    executions = await walk.executions(next)
    for (const { summary, maker, path } of made)
      if (maker !== null) found.outputs.push({ artifact: summary.id, execution: walk.execution(maker).execution.id, type: 'output', path })
    await walk.readInputs(executions)
    front = newOf(executions, 'input', reached)
    for (const execution of executions) found.executions.push(execution)
  }
  for (const execution of executions) addEvents(found.inputs, walk, execution, 'input')
  return found
}

/** An artifact may go into any number of executions; those that took their results from the cache lead to artifacts made elsewhere. */
async function descent(walk: LineageWalk, start: number): Promise<Found> {
  const found = nothingYet()
  const reached = numberSet()
  const users = numberSet()
  reached.add(start)
  // where most is known, what an execution took is too, and need not come with the question who took what
  const known = walk.isKept(start)
  const later: KnownExecution[] = []
  let executions: KnownExecution[] = []
  for (let front = [start]; front.length > 0; ) {
    for (const { summary } of await walk.artifacts(front)) found.artifacts.push(summary)
    for (const execution of executions) addEvents(found.outputs, walk, execution, 'output')
    const uses = known ? [] : await walk.uses(front)
    const next: number[] = []
    for (const execution of known ? await walk.users(front) : uses.map((use) => use[1])) if (users.add(execution)) next.push(execution)
    executions = await walk.executionsWithOutputs(next)
    for (const [artifact, execution, path] of uses)
      found.inputs.push({
        artifact: walk.artifact(artifact).summary.id,
        execution: walk.execution(execution).execution.id,
        type: 'input',
        path,
      })
    if (known) {
      await walk.readInputs(executions)
      for (const execution of executions) {
        if (execution.inputs?.artifacts.every(reached.has)) addEvents(found.inputs, walk, execution, 'input')
        else later.push(execution)
      }
    }
    front = newOf(executions, 'output', reached)
    for (const execution of executions) found.executions.push(execution)
  }
  for (const execution of executions) addEvents(found.outputs, walk, execution, 'output')
  for (const execution of later) addEvents(found.inputs, walk, execution, 'input', reached)
  return found
}

/** The artifacts that these lead to and that were not reached before. */
function newOf(executions: readonly KnownExecution[], type: LineageEvent['type'], reached: NumberSet): number[] {
  const found: number[] = []
  for (const execution of executions) {
    const links = linksOf(execution, type)
    if (links !== undefined) for (const artifact of links.artifacts) if (reached.add(artifact)) found.push(artifact)
  }
  return found
}

/** Puts the events of what went into an execution, or came out of it, onto the list: of artifacts that the walk has reached, where not all are. */
function addEvents(
  all: LineageEvent[],
  walk: LineageWalk,
  execution: KnownExecution,
  type: LineageEvent['type'],
  reached?: NumberSet,
): void {
  const links = linksOf(execution, type)
  if (links === undefined) return
  const { artifacts, paths } = links
  for (let i = 0; i < artifacts.length; i++) {
    const artifact = artifacts[i] ?? Number.NaN
    if (reached?.has(artifact) === false) continue
    all.push({ artifact: walk.artifact(artifact).summary.id, execution: execution.execution.id, type, path: paths[i] ?? '' })
  }
}

const linksOf = ({ inputs, outputs }: KnownExecution, type: LineageEvent['type']): Links | undefined =>
  type === 'input' ? inputs : outputs

/**
 * Everything an artifact was made from (up), or everything that was made from it (down): breadth first, each artifact and execution once. A few queries per generation,
 * whatever the number of links. Undefined where there is no such artifact.
 */
export async function lineageOf(store: LineageStore, id: ArtifactId, direction: 'up' | 'down'): Promise<Lineage | undefined> {
  const start = await store.numberOf(id)
  if (start === undefined) return undefined
  const walk = store.walk()
  for (;;) {
    const found = await (direction === 'up' ? ancestry : descent)(walk, start)
    const changed = await walk.confirm()
    if (changed === 'links') continue
    const { artifacts, outputs, inputs } = found
    const executions = changed === 'states' ? await walk.executions(found.executions.map(({ seq }) => seq)) : found.executions
    return { artifacts, executions: executions.map(({ execution }) => execution), events: outputs.concat(inputs) }
  }
}
