import type { Generated, Insertable, Selectable } from 'kysely'
import type { ArtifactSummary } from '../../shared/contract/pipelines.ts'
import type { ArtifactId, RunId } from '../../shared/core/ids.ts'
import type { JsonObject } from '../../shared/core/json.ts'
import type { Sha256 } from '../../shared/core/digest.ts'
import type { Statement } from '../storage/statements.ts'
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
  }
  /** By number: artifacts.seq, executions.seq. */
  artifact_events: { artifact: number; execution: number; type: string; path: string; at: number }
}

export type ExecutionRow = Selectable<MetadataTables['executions']>
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

export type NewEvent = { readonly artifact: string; readonly type: 'input' | 'output'; readonly path: string }

/** Each of these adds or takes back as part of a batch. */
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

/** What went into an execution (executions.seq) or came out of it: the id of an artifact that is stored. */
export const addEvent = (execution: number, { artifact, type, path }: NewEvent, at: number): Statement => ({
  text: 'insert into artifact_events (artifact, execution, type, path, at) values ((select seq from artifacts where id = ?), ?, ?, ?, ?)',
  values: [artifact, execution, type, path, at],
})

/** Takes back what an unfinished attempt recorded. */
export const clearEvents = (execution: number): Statement => ({
  text: 'delete from artifact_events where execution = ?',
  values: [execution],
})

/** SQLite allows 32,766 variables in a statement; PostgreSQL 65,535. */
const MAX_VARIABLES = 10_000

/** Takes a database or a transaction. */
export function metadataStore(base: Db) {
  const db = base.withTables<MetadataTables>()

  const artifactRows = () =>
    db.selectFrom('artifacts as a').leftJoin('executions as e', 'e.seq', 'a.made_by').selectAll('a').select(['e.run', 'e.step'])

  async function chunked<T>(ids: readonly string[], query: (part: readonly string[]) => Promise<T[]>): Promise<T[]> {
    const found: T[] = []
    for (let at = 0; at < ids.length; at += MAX_VARIABLES) found.push(...(await query(ids.slice(at, at + MAX_VARIABLES))))
    return found
  }

  return {
    async artifact(id: string): Promise<ArtifactSummary | undefined> {
      const row = await artifactRows().where('a.id', '=', id).executeTakeFirst()
      return row && artifactSummaryOf(row, row)
    },

    /** What executions took or put out, by execution and path. */
    async attached(
      executions: readonly string[],
      type: 'input' | 'output',
    ): Promise<{ execution: string; path: string; artifact: ArtifactSummary }[]> {
      const rows = await chunked(executions, (part) =>
        db
          .selectFrom('executions as x')
          .innerJoin('artifact_events as v', 'v.execution', 'x.seq')
          .innerJoin('artifacts as a', 'a.seq', 'v.artifact')
          .leftJoin('executions as e', 'e.seq', 'a.made_by')
          .selectAll('a')
          .select(['x.id as execution', 'v.path', 'e.run', 'e.step'])
          .where('x.id', 'in', part)
          .where('v.type', '=', type)
          .orderBy('v.path')
          .execute(),
      )
      return rows.map((row) => ({ execution: row.execution, path: row.path, artifact: artifactSummaryOf(row, row) }))
    },
  }
}

export type MetadataStore = ReturnType<typeof metadataStore>
