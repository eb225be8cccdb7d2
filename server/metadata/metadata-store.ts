import type { Generated, Insertable, Selectable } from 'kysely'
import type { ArtifactSummary } from '../../shared/contract/pipelines.ts'
import type { ArtifactId, RunId } from '../../shared/core/ids.ts'
import type { JsonObject } from '../../shared/core/json.ts'
import type { Sha256 } from '../../shared/core/digest.ts'
import { readRows, type Statement } from '../storage/statements.ts'
import type { Db } from '../storage/database.ts'

export type MetadataTables = {
  artifacts: {
    seq: Generated<number>
    id: string
    type: string
    name: string
    digest: string | null
    bytes: number
    created: number
    properties: string
    made_by: number | null
    made_as: string | null
  }
  executions: {
    seq: Generated<number>
    id: string
    run: string
    pipeline: string
    step: string
    position: number
    component: string
    component_version: string
    after: string
    state: string
    attempts: number
    params: string
    started: number | null
    ended: number | null
    cache_key: string | null
    identity: string | null
    cache: string | null
    progress: string | null
    error: string | null
    /** What went into it and what came out of it: `Links`, as JSON. */
    inputs: Generated<string>
    outputs: Generated<string>
  }
  /** Who took an artifact, by number: what the inputs say, to be found from the other side. */
  artifact_uses: { artifact: number; execution: number }
}

/** Artifacts (artifacts.seq) by the path as which an execution took them or put them out. */
export type Links = Readonly<Record<string, number>>

export type ExecutionRow = Omit<Selectable<MetadataTables['executions']>, 'inputs' | 'outputs'>
export type NewExecution = Insertable<MetadataTables['executions']>
export type NewArtifact = {
  readonly id: ArtifactId
  readonly type: string
  readonly name: string
  readonly digest: Sha256
  readonly bytes: number
  readonly properties: JsonObject
  /** The execution that made it (executions.seq), and as which of its outputs. */
  readonly made_by: number
  readonly made_as: string
}

/** An artifact with where it was made: others may have taken it from the cache. */
export type BareArtifact = Selectable<MetadataTables['artifacts']>
type Maker = { readonly run: string | null; readonly step: string | null }

export const artifactSummaryOf = (row: BareArtifact, maker: Maker | undefined): ArtifactSummary => ({
  id: row.id as ArtifactId,
  type: row.type,
  name: row.name,
  digest: row.digest as Sha256 | null,
  bytes: row.bytes,
  created: row.created,
  properties: JSON.parse(row.properties) as JsonObject,
  run: (maker?.run ?? null) as RunId | null,
  step: maker?.step ?? null,
})

/** Adds one as part of a batch. */
export const addArtifact = (artifact: NewArtifact, created: number): Statement => ({
  text: 'insert into artifacts (id, type, name, digest, bytes, properties, made_by, made_as, created) values (?, ?, ?, ?, ?, ?, ?, ?, ?)',
  values: [
    artifact.id,
    artifact.type,
    artifact.name,
    artifact.digest,
    artifact.bytes,
    JSON.stringify(artifact.properties),
    artifact.made_by,
    artifact.made_as,
    created,
  ],
})

/** Ids of artifacts that are stored, by path. */
export type LinkedIds = { readonly inputs: Readonly<Record<string, string>>; readonly outputs: Readonly<Record<string, string>> }

/** `Links` of ids by path; null, which the columns do not take, where one is not stored. */
const LINKS = `(select case when count(*) = count(a.seq) then json_group_object(v.key, a.seq) end from json_each(?) v left join artifacts a on a.id = v.value)`

/** Records what went into an execution (executions.seq) and came out of it, in place of what an attempt before it recorded. Part of a batch, after its artifacts. */
export const linkArtifacts = (execution: number, { inputs, outputs }: LinkedIds): Statement[] => [
  {
    text: 'delete from artifact_uses where execution = ? and artifact in (select v.value from executions x, json_each(x.inputs) v where x.seq = ?)',
    values: [execution, execution],
  },
  {
    text: `update executions set inputs = ${LINKS}, outputs = ${LINKS} where seq = ?`,
    values: [JSON.stringify(inputs), JSON.stringify(outputs), execution],
  },
  {
    text: 'insert into artifact_uses (artifact, execution) select distinct v.value, x.seq from executions x, json_each(x.inputs) v where x.seq = ?',
    values: [execution],
  },
]

const ARTIFACT = [
  'a.seq',
  'a.id',
  'a.type',
  'a.name',
  'a.digest',
  'a.bytes',
  'a.created',
  'a.properties',
  'a.made_by',
  'a.made_as',
] as const

const attachedBy = (column: 'inputs' | 'outputs') => `select x.id as execution, v.key as path, ${ARTIFACT.join(', ')}, e.run, e.step
  from json_each(?) n cross join executions x on x.id = n.value cross join json_each(x.${column}) v cross join artifacts a on a.seq = v.value
    left join executions e on e.seq = a.made_by
  order by v.key`
const ATTACHED = { input: attachedBy('inputs'), output: attachedBy('outputs') }

/** Takes a database or a transaction. */
export function metadataStore(base: Db) {
  const db = base.withTables<MetadataTables>()
  return {
    async artifact(id: string): Promise<ArtifactSummary | undefined> {
      const row = await db
        .selectFrom('artifacts as a')
        .leftJoin('executions as e', 'e.seq', 'a.made_by')
        .select(ARTIFACT)
        .select(['e.run', 'e.step'])
        .where('a.id', '=', id)
        .executeTakeFirst()
      return row && artifactSummaryOf(row, row)
    },

    /** What executions took or put out, by execution and path. */
    async attached(
      executions: readonly string[],
      type: 'input' | 'output',
    ): Promise<{ execution: string; path: string; artifact: ArtifactSummary }[]> {
      const query = { text: ATTACHED[type], values: [JSON.stringify(executions)] }
      const rows = await readRows<BareArtifact & Maker & { execution: string; path: string }>(base, query)
      return rows.map((row) => ({ execution: row.execution, path: row.path, artifact: artifactSummaryOf(row, row) }))
    },
  }
}

export type MetadataStore = ReturnType<typeof metadataStore>
