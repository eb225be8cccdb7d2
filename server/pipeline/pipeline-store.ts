import type { Sha256 } from '../../shared/core/digest.ts'
import type { Db } from '../storage/database.ts'

type PipelineTables = { pipelines: { name: string; digest: string; definition: string; updated: number } }

/** Takes a database or a transaction. */
export function pipelineStore(base: Db) {
  const db = base.withTables<PipelineTables>()
  return {
    async put(pipeline: { name: string; digest: Sha256; definition: string; updated: number }): Promise<void> {
      const { name: _, ...rest } = pipeline
      await db
        .insertInto('pipelines')
        .values(pipeline)
        .onConflict((c) => c.column('name').doUpdateSet(rest))
        .execute()
    },
  }
}
