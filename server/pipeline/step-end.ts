import type { ArtifactSummary } from '../../shared/contract/pipelines.ts'
import { must } from '../../shared/core/assert.ts'
import { newId } from '../../shared/core/ids.ts'
import type { JsonObject } from '../../shared/core/json.ts'
import type { Random } from '../../shared/core/random.ts'
import { addArtifact, linkArtifacts, type ExecutionRow, type NewArtifact } from '../metadata/metadata-store.ts'
import { takeOverMetrics } from '../metadata/run-values-store.ts'
import { type Statement, writeBatch } from '../storage/statements.ts'
import type { Db } from '../storage/database.ts'
import type { ArtifactType } from './artifact-types.ts'
import type { Produced } from './component.ts'
import { figuresOf, type MetricLog } from './metric-log.ts'
import type { StepState } from './planner.ts'
import type { RunLog } from './run-log.ts'
import { changeStep, type StepError } from './run-store.ts'
import type { StepTask } from './step-protocol.ts'

/** An output as later steps take it. */
export type Output = {
  readonly path: string
  readonly artifact: Pick<ArtifactSummary, 'id' | 'type' | 'digest' | 'bytes' | 'properties'>
}

export type Ending = {
  readonly state: StepState
  readonly error: StepError | null
  readonly outputs: Readonly<Record<string, Produced>>
  /** The execution whose result is taken instead, and what it put out. */
  readonly reuse?: { readonly execution: string; readonly outputs: readonly Output[] }
}

/** A step's end as it was recorded. */
export type EndedStep = { readonly row: ExecutionRow; readonly outputs: readonly Output[] }

/** What is known of a step before it is done: its inputs, and what its row records about its start. */
export type Resolved = {
  inputs: StepTask['inputs']
  /** That the start is recorded. */
  begun: boolean
  found: Partial<Pick<ExecutionRow, 'attempts' | 'started' | 'params' | 'cache_key' | 'identity' | 'cache'>>
}

export type StepEnd = {
  readonly db: Db
  readonly random: Random
  readonly at: number
  readonly row: ExecutionRow
  readonly resolved: Resolved
  /** Types of the component's outputs. */
  readonly types: Readonly<Record<string, ArtifactType>>
  readonly ending: Ending
  readonly log: RunLog
  readonly measured: MetricLog
}

/**
 * Everything that a step's end changes, in one transaction: its state, its artifacts, and how they hang together. Gives what was recorded, which no step may follow from before it is durable.
 */
export async function recordEnd({ db, random, at, row, resolved, types, ending, log, measured }: StepEnd): Promise<EndedStep> {
  const { inputs, begun, found } = resolved
  const { reuse } = ending
  const changes = { state: ending.state, ended: at, error: ending.error && JSON.stringify(ending.error), progress: null }
  const made = Object.entries(ending.outputs).map(([path, produced]): { path: string; artifact: NewArtifact } => ({
    path,
    artifact: {
      id: newId('artifact', random),
      type: must(types[path], 'the type of an output'),
      name: produced.name === '' ? `${row.step}.${path}` : produced.name,
      digest: produced.digest,
      bytes: produced.bytes,
      // as it will be read: numbers that JSON does not know are null there
      properties: JSON.parse(JSON.stringify(produced.properties)) as JsonObject,
      made_by: row.seq,
      made_as: path,
    },
  }))
  const outputs: Output[] = [...(reuse?.outputs ?? []), ...made]
  const statements: Statement[] = [changeStep(row.id, begun ? changes : { ...found, ...changes })]
  for (const { artifact } of made) statements.push(addArtifact(artifact, at))
  statements.push(
    ...linkArtifacts(row.seq, {
      inputs: Object.fromEntries(Object.entries(inputs).map(([path, { artifact }]) => [path, artifact])),
      outputs: Object.fromEntries(outputs.map(({ path, artifact }) => [path, artifact.id])),
    }),
  )
  await measured.settled()
  statements.push(...measured.taken(made.flatMap(({ artifact }) => figuresOf(artifact, at))))
  if (reuse !== undefined) statements.push(takeOverMetrics(measured.run, row.step, reuse.execution))
  await log.written()
  await writeBatch(db, [...statements, ...log.taken()], { synced: false })
  return { row: { ...row, ...found, ...changes }, outputs }
}
