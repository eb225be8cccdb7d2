import type { Insertable, Selectable } from 'kysely'
import type { ArtifactSummary } from '../../shared/contract/pipelines.ts'
import { must } from '../../shared/core/assert.ts'
import type { ArtifactId, RunId, StepId } from '../../shared/core/ids.ts'
import type { JsonObject } from '../../shared/core/json.ts'
import type { Sha256 } from '../../shared/core/digest.ts'
import type { Db } from '../storage/database.ts'
import type { StepState } from '../pipeline/planner.ts'

export type MetadataTables = {
  artifacts: {
    id: string
    type: string
    name: string
    digest: string | null
    bytes: number
    created: number
    properties: string
    made_by: string | null
    made_as: string | null
  }
  executions: {
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
  artifact_events: { artifact: string; execution: string; type: string; path: string; at: number }
  contexts: { id: string; type: string; name: string }
  attributions: { context: string; artifact: string }
  associations: { context: string; execution: string }
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
  /** The execution that made it, and as which of its outputs. */
  readonly made_by: StepId
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

/** SQLite allows 32,766 variables in a statement; PostgreSQL 65,535. */
const MAX_VARIABLES = 10_000

const contextId = (type: string, name: string): string => `${type}:${name}`

/** Takes a database or a transaction. */
export function metadataStore(base: Db) {
  const db = base.withTables<MetadataTables>()

  const artifactRows = () =>
    db.selectFrom('artifacts as a').leftJoin('executions as e', 'e.id', 'a.made_by').selectAll('a').select(['e.run', 'e.step'])

  async function chunked<T>(ids: readonly string[], query: (part: readonly string[]) => Promise<T[]>): Promise<T[]> {
    const found: T[] = []
    for (let at = 0; at < ids.length; at += MAX_VARIABLES) found.push(...(await query(ids.slice(at, at + MAX_VARIABLES))))
    return found
  }

  return {
    /** The contexts `run` and `pipeline` of an execution, made when missing, with it and its outputs in them. */
    async associate(
      execution: { readonly id: string; readonly run: string; readonly pipeline: string },
      outputs: readonly string[],
    ): Promise<void> {
      const contexts = (['run', 'pipeline'] as const).map((type) => ({ id: contextId(type, execution[type]), type, name: execution[type] }))
      await db
        .insertInto('contexts')
        .values(contexts)
        .onConflict((c) => c.doNothing())
        .execute()
      await db
        .insertInto('associations')
        .values(contexts.map(({ id }) => ({ context: id, execution: execution.id })))
        .onConflict((c) => c.doNothing())
        .execute()
      if (outputs.length === 0) return
      await db
        .insertInto('attributions')
        .values(contexts.flatMap(({ id }) => outputs.map((artifact) => ({ context: id, artifact }))))
        .onConflict((c) => c.doNothing())
        .execute()
    },

    async addArtifacts(artifacts: readonly NewArtifact[], created: number): Promise<void> {
      if (artifacts.length === 0) return
      await db
        .insertInto('artifacts')
        .values(artifacts.map((artifact) => ({ ...artifact, properties: JSON.stringify(artifact.properties), created })))
        .execute()
    },

    async addEvents(
      events: readonly { artifact: string; execution: string; type: 'input' | 'output'; path: string; at: number }[],
    ): Promise<void> {
      if (events.length > 0) await db.insertInto('artifact_events').values(events).execute()
    },

    /** Takes back what an unfinished attempt recorded. */
    async clearEvents(execution: string): Promise<void> {
      await db.deleteFrom('artifact_events').where('execution', '=', execution).execute()
    },

    async artifact(id: string): Promise<ArtifactSummary | undefined> {
      const row = await artifactRows().where('a.id', '=', id).executeTakeFirst()
      return row && artifactSummaryOf(row, row)
    },

    /** Artifacts as they are stored, without where their makers ran. */
    bareArtifacts: (ids: readonly string[]): Promise<BareArtifact[]> =>
      chunked(ids, (part) => db.selectFrom('artifacts').selectAll().where('id', 'in', part).execute()),

    /** What executions took or put out, by execution and path. */
    async attached(
      executions: readonly string[],
      type: 'input' | 'output',
    ): Promise<{ execution: string; path: string; artifact: ArtifactSummary }[]> {
      const events = await chunked(executions, (part) =>
        db.selectFrom('artifact_events').selectAll().where('execution', 'in', part).where('type', '=', type).orderBy('path').execute(),
      )
      const artifacts = await chunked([...new Set(events.map((event) => event.artifact))], (part) =>
        artifactRows().where('a.id', 'in', part).execute(),
      )
      const byId = new Map(artifacts.map((row) => [row.id, artifactSummaryOf(row, row)]))
      return events.map(({ execution, path, artifact }) => ({
        execution,
        path,
        artifact: must(byId.get(artifact), 'the artifact of an event'),
      }))
    },

    /** Events that touch any of these artifacts, of the given type. */
    eventsOfArtifacts: (artifacts: readonly string[], type: 'input' | 'output'): Promise<LineageEvent[]> =>
      chunked(artifacts, (part) =>
        db
          .selectFrom('artifact_events')
          .select(['artifact', 'execution', 'type', 'path'])
          .where('artifact', 'in', part)
          .where('type', '=', type)
          .execute(),
      ) as Promise<LineageEvent[]>,

    eventsOfExecutions: (executions: readonly string[], type: 'input' | 'output'): Promise<LineageEvent[]> =>
      chunked(executions, (part) =>
        db
          .selectFrom('artifact_events')
          .select(['artifact', 'execution', 'type', 'path'])
          .where('execution', 'in', part)
          .where('type', '=', type)
          .execute(),
      ) as Promise<LineageEvent[]>,

    executions: (ids: readonly string[]): Promise<LineageExecution[]> =>
      chunked(ids, (part) =>
        db.selectFrom('executions').select(['id', 'run', 'step', 'component', 'state']).where('id', 'in', part).execute(),
      ) as unknown as Promise<LineageExecution[]>,
  }
}

export type MetadataStore = ReturnType<typeof metadataStore>
