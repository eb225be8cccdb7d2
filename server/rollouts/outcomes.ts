import { createHash } from 'node:crypto'
import type { DeviceId } from '../../shared/core/ids.ts'
import { cohortPosition } from '../../shared/trust/cohort.ts'
import type { CheckedReport, ReportConsumer } from '../monitoring/ingest.ts'
import type { Db } from '../storage/database.ts'
import { isActive, shareOf } from './rollout.ts'
import { rolloutStore, type StoredRollout } from './rollout-store.ts'

/** What one report says about one rollout. */
type Said = {
  readonly report: CheckedReport
  readonly rollout: StoredRollout
  readonly arm: 'candidate' | 'stable'
  readonly bad: boolean
  readonly selfRollback: boolean
  /** The stage that the device speaks of; null where it left its version, whenever that was. */
  readonly stage: number | null
}
type Placed = Said & { readonly pseudonym: string; readonly position: number }

/** The device's name within this rollout only: rows of two rollouts cannot be joined. */
const pseudonymOf = (rollout: StoredRollout, device: DeviceId): string =>
  createHash('sha256').update(`${rollout.id}:${device}`).digest('hex').slice(0, 32)

function saidBy(report: CheckedReport, active: readonly StoredRollout[]): Said[] {
  const { model, firstWindow, selfRollbacks } = report.report
  const said: Said[] = []
  for (const rollout of active) {
    if (rollout.model !== model) continue
    const left = (version: number) => selfRollbacks.some((one) => one.version === version)
    // who leaves a version by itself has had a bad time with it, whether its first window was over or not
    if (left(rollout.candidate)) said.push({ report, rollout, arm: 'candidate', bad: true, selfRollback: true, stage: null })
    else if (left(rollout.stable)) said.push({ report, rollout, arm: 'stable', bad: true, selfRollback: true, stage: null })
    else if (firstWindow?.rollout === rollout.id)
      said.push({ report, rollout, arm: firstWindow.arm, bad: firstWindow.bad, selfRollback: false, stage: firstWindow.stage })
  }
  return said
}

/**
 * Takes what reports say about rollouts: each device once as a candidate, and before that once in each stage as a stable one, in the batch that is open
 * when it is heard of. When the share grows, those whose turn it is are a random choice (by the salted hash) among all that were stable so far, so
 * each stage is a fair comparison given the ones before, and a small fleet does not run out of devices.
 */
export function outcomeRecorder(db: Db, now: () => number, touched: (rollout: StoredRollout) => void): ReportConsumer['prepare'] {
  return async (reports) => {
    const active = await rolloutStore(db).active()
    const placed: Placed[] = []
    for (const said of reports.flatMap((report) => saidBy(report, active))) {
      const { device } = said.report
      placed.push({ ...said, pseudonym: pseudonymOf(said.rollout, device), position: await cohortPosition(said.rollout.salt, device) })
    }
    return async (tx, fresh) => {
      for (const one of placed) if (fresh.has(one.report)) await record(tx, one, now(), touched)
    }
  }
}

async function record(
  tx: Db,
  { rollout, arm, bad, selfRollback, stage, pseudonym, position }: Placed,
  now: number,
  touched: (rollout: StoredRollout) => void,
): Promise<void> {
  const store = rolloutStore(tx)
  // read again: its stage may have changed since the report was looked at
  const current = await store.get(rollout.id)
  if (current === undefined || !isActive(current.state)) return
  // a stable window of an earlier stage came too late: that stage has been judged without it, whatever it says
  if (arm === 'stable' && stage !== null && stage !== current.progress.stage) return
  const part = arm === 'candidate' ? 'candidate' : `stable ${current.progress.stage}`
  const windows = await store.device(rollout.id, pseudonym)
  const known = windows.find((window) => window.part === part)
  if (known === undefined) {
    if (current.batchOpened === null) await store.update({ ...current, batchOpened: now })
    // compared are the devices as they were assigned, whatever came of it: one that says another arm than its place in the cohort does not count
    const assigned = position < shareOf(current) ? 'candidate' : 'stable'
    await store.putDevice({
      rollout: rollout.id,
      device: pseudonym,
      part,
      again: windows.length > 0 ? 1 : 0,
      batch: current.batch,
      arm,
      bad: bad ? 1 : 0,
      self_rollback: selfRollback ? 1 : 0,
      counted: arm === assigned ? 1 : 0,
    })
  } else if (selfRollback && known.self_rollback === 0 && known.arm === arm && known.batch === current.batch) {
    // its batch is still open; closed ones have been looked at and stay as they were
    await store.putDevice({ ...known, bad: 1, self_rollback: 1 })
  } else return
  touched(current)
}
