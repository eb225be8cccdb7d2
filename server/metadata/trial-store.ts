import type { TrialRecord, TrialSummary } from '../../shared/contract/trials.ts'
import type { RunId, Slug, StepId } from '../../shared/core/ids.ts'
import type { Db } from '../storage/database.ts'

type TrialTables = {
  trials: { run: string; step: string; number: number; state: string; score: number | null; record: string; at: number }
  runs: { id: string; seq: number; pipeline: string }
}

export type TrialKey = { readonly run: RunId; readonly step: StepId; readonly number: number }

/** Takes a database or a transaction. */
export function trialStore(base: Db) {
  const db = base.withTables<TrialTables>()
  return {
    async put({ run, step, number }: TrialKey, record: TrialRecord, at: number): Promise<void> {
      const row = { state: record.state, score: record.rungs.at(-1)?.score ?? null, record: JSON.stringify(record), at }
      await db
        .insertInto('trials')
        .values({ run, step, number, ...row })
        .onConflict((conflict) => conflict.columns(['run', 'step', 'number']).doUpdateSet(row))
        .execute()
    },

    /** Best first, those without a score last; of equals the newest run's first trial. */
    async page(options: { run?: string | undefined; pipeline?: string | undefined; skip: number; limit: number }): Promise<TrialSummary[]> {
      let query = db
        .selectFrom('trials')
        .innerJoin('runs', 'runs.id', 'trials.run')
        .select(['trials.run', 'trials.step', 'trials.number', 'trials.score', 'trials.record', 'trials.at', 'runs.pipeline'])
      if (options.run !== undefined) query = query.where('trials.run', '=', options.run)
      if (options.pipeline !== undefined) query = query.where('runs.pipeline', '=', options.pipeline)
      const rows = await query
        .orderBy((e) => e.case().when('trials.score', 'is', null).then(1).else(0).end())
        .orderBy('trials.score', 'desc')
        .orderBy('runs.seq', 'desc')
        .orderBy('trials.number')
        .offset(options.skip)
        .limit(options.limit)
        .execute()
      return rows.map(({ record, run, pipeline, step, ...row }) => ({
        ...(JSON.parse(record) as TrialRecord),
        ...row,
        run: run as RunId,
        step: step as StepId,
        pipeline: pipeline as Slug,
      }))
    },
  }
}
