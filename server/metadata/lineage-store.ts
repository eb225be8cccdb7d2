import type { ArtifactId, RunId, StepId } from '../../shared/core/ids.ts'
import type { StepState } from '../pipeline/planner.ts'
import type { Db } from '../storage/database.ts'
import { rowsOfKeys } from '../storage/rows-of-keys.ts'
import type { BareArtifact, MetadataTables } from './metadata-store.ts'

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
/** An artifact went into an execution, or came out of it; by number. */
export type Link = { readonly artifact: number; readonly execution: number; readonly path: string }
export type NumberedExecution = LineageExecution & { readonly seq: number }

/** What lineage walks over: artifacts and executions by number, each question for many at a time. */
export function lineageStore(base: Db) {
  const links = (side: 'artifact' | 'execution', type: 'input' | 'output', keys: readonly number[]): Promise<Link[]> =>
    rowsOfKeys(base, {
      query: (places) => `select artifact, execution, path from artifact_events where ${side} in (${places}) and type = '${type}'`,
      keys,
    })

  return {
    numberOf: async (id: ArtifactId): Promise<number | undefined> =>
      (await base.withTables<MetadataTables>().selectFrom('artifacts').select('seq').where('id', '=', id).executeTakeFirst())?.seq,

    artifacts: (keys: readonly number[]): Promise<BareArtifact[]> =>
      rowsOfKeys(base, {
        query: (places) =>
          `select seq, id, type, name, digest, bytes, created, properties, made_by, made_as from artifacts where seq in (${places})`,
        keys,
      }),

    executions: (keys: readonly number[]): Promise<NumberedExecution[]> =>
      rowsOfKeys(base, { query: (places) => `select seq, id, run, step, component, state from executions where seq in (${places})`, keys }),

    inputsOf: (executions: readonly number[]): Promise<Link[]> => links('execution', 'input', executions),
    outputsOf: (executions: readonly number[]): Promise<Link[]> => links('execution', 'output', executions),
    usesOf: (artifacts: readonly number[]): Promise<Link[]> => links('artifact', 'input', artifacts),
  }
}

export type LineageStore = ReturnType<typeof lineageStore>
