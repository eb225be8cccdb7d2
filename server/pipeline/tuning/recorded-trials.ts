import type { Client } from '../../../shared/contract/client.ts'
import type { TrialRecord } from '../../../shared/contract/trials.ts'
import type { RunId } from '../../../shared/core/ids.ts'

/** What an earlier attempt of a step has recorded of its trials, by number. */
export async function recordedTrials(api: Client, run: RunId, step: string, signal: AbortSignal): Promise<Map<number, TrialRecord>> {
  const known = new Map<number, TrialRecord>()
  let cursor: string | undefined
  do {
    const { items, next } = await api(
      'trials.list',
      { query: { run, limit: '500', ...(cursor === undefined ? {} : { cursor }) } },
      { signal },
    )
    for (const { number, params, state, rungs, error, step: of } of items)
      if (of === step) known.set(number, { params, state, rungs, error })
    cursor = next ?? undefined
  } while (cursor !== undefined)
  return known
}
