import type { Insertable, Selectable } from 'kysely'
import type { ArtifactSummary } from '../../shared/contract/pipelines.ts'
import { must } from '../../shared/core/assert.ts'
import type { ArtifactId, RunId, StepId } from '../../shared/core/ids.ts'
import type { JsonObject } from '../../shared/core/json.ts'
import type { Sha256 } from '../../shared/core/digest.ts'
import type { Db } from '../storage/database.ts'
import type { StepState } from '../pipeline/planner.ts'

export type MetadataTables = {
  artifacts: { id: string; type: string; name: string; digest: string | null; bytes: number; created: number; properties: string }
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
}

/** An artifact with where it was made: the first execution that put it out without taking it from the cache. */
export type ArtifactRow = Selectable<MetadataTables['artifacts']> & { run: string | null; step: string | null }

export const artifactSummaryOf = (row: ArtifactRow): ArtifactSummary => ({
  id: row.id as ArtifactId,
  type: row.type,
  name: row.name,
  digest: row.digest as Sha256 | null,
  bytes: row.bytes,
  created: row.created,
  properties: JSON.parse(row.properties) as JsonObject,
  run: row.run as RunId | null,
  step: row.step,
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
    db
      .selectFrom('artifacts as a')
      .leftJoin('artifact_events as ev', (join) => join.onRef('ev.artifact', '=', 'a.id').on('ev.type', '=', 'output'))
      .leftJoin('executions as e', 'e.id', 'ev.execution')
      .where((where) => where.or([where('e.state', 'is', null), where('e.state', '!=', 'cached')]))
      .select(['a.id', 'a.type', 'a.name', 'a.digest', 'a.bytes', 'a.created', 'a.properties', 'e.run', 'e.step'])

  async function chunked<T>(ids: readonly string[], query: (part: readonly string[]) => Promise<T[]>): Promise<T[]> {
    const found: T[] = []
    for (let at = 0; at < ids.length; at += MAX_VARIABLES) found.push(...(await query(ids.slice(at, at + MAX_VARIABLES))))
    return found
  }

  return {
    /** The contexts `run` and `pipeline` of an execution, made when missing. */
    async associate(execution: { readonly id: string; readonly run: string; readonly pipeline: string }): Promise<void> {
      for (const [type, name] of [
        ['run', execution.run],
        ['pipeline', execution.pipeline],
      ] as const) {
        await db
          .insertInto('contexts')
          .values({ id: contextId(type, name), type, name })
          .onConflict((c) => c.doNothing())
          .execute()
        await db
          .insertInto('associations')
          .values({ context: contextId(type, name), execution: execution.id })
          .onConflict((c) => c.doNothing())
          .execute()
      }
    },

    async addArtifact(artifact: NewArtifact, created: number): Promise<void> {
      await db
        .insertInto('artifacts')
        .values({ ...artifact, properties: JSON.stringify(artifact.properties), created })
        .execute()
    },

    async addEvent(event: { artifact: string; execution: string; type: 'input' | 'output'; path: string; at: number }): Promise<void> {
      await db.insertInto('artifact_events').values(event).execute()
    },

    async attribute(artifact: string, execution: { readonly run: string; readonly pipeline: string }): Promise<void> {
      for (const context of [contextId('run', execution.run), contextId('pipeline', execution.pipeline)]) {
        await db
          .insertInto('attributions')
          .values({ context, artifact })
          .onConflict((c) => c.doNothing())
          .execute()
      }
    },

    /** Takes back what an unfinished attempt recorded. */
    async clearEvents(execution: string): Promise<void> {
      await db.deleteFrom('artifact_events').where('execution', '=', execution).execute()
    },

    async artifact(id: string): Promise<ArtifactSummary | undefined> {
      const row = await artifactRows().where('a.id', '=', id).executeTakeFirst()
      return row && artifactSummaryOf(row)
    },

    async artifacts(ids: readonly string[]): Promise<ArtifactSummary[]> {
      const rows = await chunked(ids, (part) => artifactRows().where('a.id', 'in', part).execute())
      return rows.map(artifactSummaryOf)
    },

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
      const byId = new Map(artifacts.map((row) => [row.id, artifactSummaryOf(row)]))
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
