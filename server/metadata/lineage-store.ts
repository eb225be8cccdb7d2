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
/** An artifact went into an execution; by number. */
export type Link = { readonly artifact: number; readonly execution: number; readonly path: string }

/** The columns of an execution that stand in a row beside those of an artifact. */
type BesideArtifact = {
  readonly execution: StepId
  readonly run: RunId
  readonly step: string
  readonly component: string
  readonly state: StepState
}
type NullOf<T> = { readonly [K in keyof T]: null }

/** An artifact and the execution that made it, where one did. */
export type MadeArtifact = BareArtifact & (BesideArtifact | NullOf<BesideArtifact>)
/** An execution, and one of the artifacts that it put out. One that was made elsewhere has `maker_run` and `maker_step`. */
export type PutOut = BesideArtifact & {
  readonly number: number
  readonly path: string | null
  readonly maker_run: string | null
  readonly maker_step: string | null
} & (BareArtifact | NullOf<BareArtifact>)

const ARTIFACT = 'a.seq, a.id, a.type, a.name, a.digest, a.bytes, a.created, a.properties, a.made_by, a.made_as'
const EXECUTION = 'x.id as execution, x.run, x.step, x.component, x.state'

/** What lineage walks over: artifacts and executions by number, each question for many at a time. What belongs together comes in one row: a row costs more than its columns. */
export function lineageStore(base: Db) {
  const inputs = (side: 'artifact' | 'execution', keys: readonly number[]): Promise<Link[]> =>
    rowsOfKeys(base, {
      query: (places) => `select artifact, execution, path from artifact_events where ${side} in (${places}) and type = 'input'`,
      keys,
    })

  return {
    numberOf: async (id: ArtifactId): Promise<number | undefined> =>
      (await base.withTables<MetadataTables>().selectFrom('artifacts').select('seq').where('id', '=', id).executeTakeFirst())?.seq,

    made: (artifacts: readonly number[]): Promise<MadeArtifact[]> =>
      rowsOfKeys(base, {
        query: (places) =>
          `select ${ARTIFACT}, ${EXECUTION} from artifacts a left join executions x on x.seq = a.made_by where a.seq in (${places})`,
        keys: artifacts,
      }),

    /** One row without an artifact for an execution that put out nothing. */
    putOut: (executions: readonly number[]): Promise<PutOut[]> =>
      rowsOfKeys(base, {
        query: (places) => `select ${ARTIFACT}, ${EXECUTION}, x.seq as number, v.path, m.run as maker_run, m.step as maker_step
          from executions x
            left join artifact_events v on v.execution = x.seq and v.type = 'output'
            left join artifacts a on a.seq = v.artifact
            left join executions m on m.seq = case when a.made_by <> x.seq then a.made_by end
          where x.seq in (${places})`,
        keys: executions,
      }),

    inputsOf: (executions: readonly number[]): Promise<Link[]> => inputs('execution', executions),
    usesOf: (artifacts: readonly number[]): Promise<Link[]> => inputs('artifact', artifacts),
  }
}

export type LineageStore = ReturnType<typeof lineageStore>
