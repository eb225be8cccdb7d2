import type { ArtifactId, RunId, StepId } from '../../shared/core/ids.ts'
import type { Sha256 } from '../../shared/core/digest.ts'
import type { JsonObject } from '../../shared/core/json.ts'
import type { StepState } from '../pipeline/planner.ts'
import type { Db } from '../storage/database.ts'
import { readTuples } from '../storage/statements.ts'
import type { Links, MetadataTables } from './metadata-store.ts'

/** An artifact's `record`. `maker`: the execution (executions.seq) that made it, as its output `path`; both null for one that no execution made. */
export type ArtifactRecord = [
  properties: JsonObject,
  seq: number,
  id: ArtifactId,
  type: string,
  name: string,
  digest: Sha256 | null,
  bytes: number,
  created: number,
  maker: number | null,
  path: string | null,
]
/** An execution's. */
export type ExecutionRecord = [
  inputs: Links,
  outputs: Links,
  seq: number,
  id: StepId,
  run: RunId,
  step: string,
  component: string,
  state: StepState,
]

/** Numbers that one query is asked about. */
const PART = 1000

/** What lineage walks over: artifacts and executions by number, each question for many at a time. Records come in the order of the numbers. */
export function lineageStore(base: Db) {
  /** The query gives one column of values, as JSON: all of them in one text, parsed at once, as each value that SQLite hands over by itself takes longer. */
  async function read<V>(text: string, seqs: readonly number[]): Promise<V[]> {
    const part = async (of: readonly number[]): Promise<V[]> => {
      const [row] = await readTuples<[string | null]>(base, { text, values: [JSON.stringify(of)] })
      return JSON.parse(`[${row?.[0] ?? ''}]`) as V[]
    }
    if (seqs.length === 0) return []
    if (seqs.length <= PART) return part(seqs)
    const all: V[] = []
    for (let at = 0; at < seqs.length; at += PART) for (const value of await part(seqs.slice(at, at + PART))) all.push(value)
    return all
  }

  return {
    numberOf: async (id: ArtifactId): Promise<number | undefined> =>
      (await base.withTables<MetadataTables>().selectFrom('artifacts').select('seq').where('id', '=', id).executeTakeFirst())?.seq,

    artifacts: (seqs: readonly number[]): Promise<ArtifactRecord[]> => read(ARTIFACTS, seqs),
    executions: (seqs: readonly number[]): Promise<ExecutionRecord[]> => read(EXECUTIONS, seqs),

    /** The executions that took these artifacts, each as often as it took some. */
    users: (artifacts: readonly number[]): Promise<number[]> => read(USERS, artifacts),
  }
}

// one value for any number of them: the text stays compiled
const NUMBERED = 'from json_each(?) n cross join'

const ARTIFACTS = `select group_concat(a.record) ${NUMBERED} artifacts a on a.seq = n.value`
const EXECUTIONS = `select group_concat(x.record) ${NUMBERED} executions x on x.seq = n.value`
const USERS = `select group_concat(u.execution) ${NUMBERED} artifact_uses u on u.artifact = n.value`

export type LineageStore = ReturnType<typeof lineageStore>
