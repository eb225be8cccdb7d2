import type { TrialRecord, TrialSummary } from '../../shared/contract/trials.ts'
import type { Clock } from '../../shared/core/clock.ts'
import { AppError } from '../../shared/core/errors.ts'
import type { Handlers } from '../http/register.ts'
import { runStore } from '../pipeline/run-store.ts'
import type { Db } from '../storage/database.ts'
import { trialFilter } from './trial-filter.ts'
import { type TrialKey, trialStore } from './trial-store.ts'

/** Trials read at once while a filter looks through them. */
const PAGE = 500

export function trialRoutes({ db, clock }: { readonly db: Db; readonly clock: Clock }): Handlers {
  const store = trialStore(db)

  async function record(key: TrialKey, told: TrialRecord): Promise<TrialSummary> {
    const run = await runStore(db).get(key.run)
    if (run === undefined) throw new AppError('unknown_run', `there is no run ${key.run}`)
    const at = clock.now()
    await store.put(key, told, at)
    return { ...told, ...key, pipeline: run.pipeline as TrialSummary['pipeline'], score: told.rungs.at(-1)?.score ?? null, at }
  }

  return {
    'trials.record': ({ params: { run, step, number }, body }) => record({ run, step, number: Number(number) }, body),
    'trials.list': async ({ query: { run, pipeline, where, limit, cursor } }) => {
      const matches = trialFilter(where)
      const items: TrialSummary[] = []
      let skip = cursor === undefined ? 0 : Number(cursor)
      if (!Number.isSafeInteger(skip) || skip < 0) throw new AppError('invalid_input', 'the cursor is not one that this list gave')
      for (;;) {
        const rows = await store.page({ run, pipeline, skip, limit: PAGE })
        for (const row of rows) {
          if (items.length === limit) return { items, next: String(skip) }
          skip++
          if (matches(row)) items.push(row)
        }
        if (rows.length < PAGE) return { items, next: null }
      }
    },
  }
}
