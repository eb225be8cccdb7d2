import type { DatasetSummary } from '../../shared/contract/datasets.ts'
import type { SchemaVersion } from '../../shared/contract/schemas.ts'
import type { Clock } from '../../shared/core/clock.ts'
import { AppError } from '../../shared/core/errors.ts'
import type { Slug } from '../../shared/core/ids.ts'
import { inferSchema } from '../../shared/data/infer-schema.ts'
import { mergeSchemas } from '../../shared/data/merge-schema.ts'
import type { DatasetSchema } from '../../shared/data/schema.ts'
import { diffSchemas } from '../../shared/data/schema-diff.ts'
import type { EventBus } from '../events.ts'
import type { Db } from '../storage/database.ts'
import { datasetStore } from './dataset-store.ts'
import type { SpanStatistics } from './span-statistics.ts'
import { type Deed, schemaStore, type StoredSchema } from './schema-store.ts'

export type SchemasOptions = {
  readonly db: Db
  readonly clock: Clock
  readonly events: EventBus
  readonly dataset: (name: Slug) => Promise<DatasetSummary>
  readonly statistics: SpanStatistics
}

export type Schemas = {
  list(dataset: Slug): Promise<SchemaVersion[]>
  propose(dataset: Slug, proposal: { schema: DatasetSchema; reason: string; by: string }): Promise<SchemaVersion>
  infer(dataset: Slug, wish: { span?: number | undefined; label?: string | undefined; reason: string; by: string }): Promise<SchemaVersion>
  decide(dataset: Slug, version: number, decision: { state: 'accepted' | 'rejected'; reason: string; by: string }): Promise<SchemaVersion>
  /** Proposed and accepted in one. */
  set(dataset: Slug, proposal: { schema: DatasetSchema; reason: string; by: string }): Promise<SchemaVersion>
}

/** Schemas of datasets as they change: proposed, reviewed, accepted or not, with who, when and why. */
export function createSchemas({ db, clock, events, dataset: get, statistics }: SchemasOptions): Schemas {
  const view = ({ changes, ...stored }: StoredSchema, accepted: DatasetSchema | null): SchemaVersion => ({
    ...stored,
    changes: changes ?? diffSchemas(accepted, stored.schema),
  })
  const announce = (dataset: Slug, version: SchemaVersion): SchemaVersion => {
    events.publish({ type: 'schema.changed', subject: dataset, data: { dataset, version: version.version, state: version.state } })
    return version
  }
  const deed = (by: string, reason: string): Deed => ({ at: clock.now(), by, reason })

  async function one(dataset: Slug, version: number, accepted: DatasetSchema | null): Promise<SchemaVersion> {
    const found = await schemaStore(db).get(dataset, version)
    if (found === undefined) throw new AppError('not_found', `dataset ${dataset} has no schema version ${version}`)
    return view(found, accepted)
  }

  async function propose(
    dataset: Slug,
    { schema, reason, by }: { schema: DatasetSchema; reason: string; by: string },
  ): Promise<SchemaVersion> {
    const { schema: accepted } = await get(dataset)
    const version = await db.transaction().execute((tx) => schemaStore(tx).propose(dataset, schema, deed(by, reason)))
    return announce(dataset, await one(dataset, version, accepted))
  }

  async function decide(
    dataset: Slug,
    version: number,
    { state, reason, by }: { state: 'accepted' | 'rejected'; reason: string; by: string },
  ): Promise<SchemaVersion> {
    await get(dataset)
    const accepted = await db.transaction().execute(async (tx) => {
      const found = await schemaStore(tx).get(dataset, version)
      if (found === undefined) throw new AppError('not_found', `dataset ${dataset} has no schema version ${version}`)
      if (found.state !== 'proposed')
        throw new AppError(
          'conflict',
          `schema version ${version} of ${dataset} is ${found.state}: only a proposed one is decided on; propose it anew`,
        )
      const before = (await datasetStore(tx).get(dataset))?.schema ?? null
      await schemaStore(tx).decide(dataset, version, state, diffSchemas(before, found.schema), deed(by, reason))
      if (state === 'accepted') await datasetStore(tx).setSchema(dataset, JSON.stringify(found.schema))
      return before
    })
    return announce(dataset, await one(dataset, version, accepted))
  }

  return {
    async list(dataset) {
      const { schema } = await get(dataset)
      return (await schemaStore(db).list(dataset)).map((stored) => view(stored, schema))
    },
    propose,
    decide,
    async infer(dataset, { span: wanted, label, reason, by }) {
      const { schema: accepted, spans } = await get(dataset)
      const span = wanted === undefined ? spans.at(-1) : spans.find((each) => each.span === wanted)
      if (span === undefined)
        throw new AppError(
          'not_found',
          wanted === undefined ? `dataset ${dataset} has no rows yet: upload a file first` : `dataset ${dataset} has no span ${wanted}`,
        )
      const predicted = label ?? accepted?.label
      const inferred = inferSchema(await statistics(span, predicted), predicted === undefined ? {} : { label: predicted })
      return propose(dataset, { schema: accepted === null ? inferred : mergeSchemas(accepted, inferred), reason, by })
    },
    async set(dataset, { schema, reason, by }) {
      const { version } = await propose(dataset, { schema, reason, by })
      return decide(dataset, version, { state: 'accepted', reason, by })
    },
  }
}
