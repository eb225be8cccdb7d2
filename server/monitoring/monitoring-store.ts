import type { Slug } from '../../shared/core/ids.ts'
import type { Db } from '../storage/database.ts'
import type { Batch, Verdict, WatchState } from './watch.ts'
import type { WindowTotals } from './window-totals.ts'

type Of = { model: Slug; version: number }
export type WindowRow = Of & { started: number; until: number; devices: number; reports: number; totals: WindowTotals }
export type BatchRow = Of & {
  number: number
  opened: number
  closed: number | null
  devices: number
  reports: number
  totals: WindowTotals
}

type Stored<T> = Omit<T, 'totals'> & { totals: string }
type Tables = {
  reports_seen: { epoch: string; started: number; sequence: number }
  monitoring_windows: Stored<WindowRow>
  monitoring_window_devices: Of & { started: number; epoch: string }
  monitoring_batches: Stored<BatchRow>
  monitoring_batch_devices: Of & { number: number; epoch: string; outcomes: number }
  monitoring_watch: Of & { state: string }
  monitoring_verdicts: Of & { kind: string; at: number; verdict: string; announced: number; cleared: number | null }
}

const read = <T extends { totals: WindowTotals }>(row: Stored<T>): T => ({ ...row, totals: JSON.parse(row.totals) as WindowTotals }) as T
const written = <T extends { totals: WindowTotals }>(row: T): Stored<T> => ({ ...row, totals: JSON.stringify(row.totals) })

export type StoredVerdict = Of & { readonly at: number; readonly verdict: Verdict }

/** Over the database or over a transaction. */
export function monitoringStore(base: Db) {
  const db = base.withTables<Tables>()
  return {
    /** False where this report was counted before. */
    markSeen: async (epoch: string, started: number, sequence: number): Promise<boolean> => {
      const inserted = await db
        .insertInto('reports_seen')
        .values({ epoch, started, sequence })
        .onConflict((c) => c.columns(['epoch', 'started', 'sequence']).doNothing())
        .returning('epoch')
        .execute()
      return inserted.length > 0
    },
    /** True where the device is new in this window. */
    addWindowDevice: async (row: Tables['monitoring_window_devices']): Promise<boolean> => {
      const inserted = await db
        .insertInto('monitoring_window_devices')
        .values(row)
        .onConflict((c) => c.columns(['model', 'version', 'started', 'epoch']).doNothing())
        .returning('epoch')
        .execute()
      return inserted.length > 0
    },
    window: async ({ model, version, started }: Of & { started: number }): Promise<WindowRow | undefined> => {
      const row = await db
        .selectFrom('monitoring_windows')
        .selectAll()
        .where('model', '=', model)
        .where('version', '=', version)
        .where('started', '=', started)
        .executeTakeFirst()
      return row && read<WindowRow>(row)
    },
    putWindow: async (row: WindowRow): Promise<void> => {
      const { devices, reports, totals } = written(row)
      await db
        .insertInto('monitoring_windows')
        .values(written(row))
        .onConflict((c) => c.columns(['model', 'version', 'started']).doUpdateSet({ devices, reports, totals }))
        .execute()
    },
    /** The latest `limit` windows, oldest first. */
    windows: async ({
      model,
      version,
      since,
      limit,
    }: {
      model: Slug
      version?: number | undefined
      since?: number | undefined
      limit: number
    }): Promise<WindowRow[]> => {
      let query = db
        .selectFrom('monitoring_windows')
        .selectAll()
        .where('model', '=', model)
        .orderBy('started', 'desc')
        .orderBy('version', 'desc')
        .limit(limit)
      if (version !== undefined) query = query.where('version', '=', version)
      if (since !== undefined) query = query.where('until', '>', since)
      return (await query.execute()).map((row) => read<WindowRow>(row)).reverse()
    },

    lastBatch: async ({ model, version }: Of): Promise<BatchRow | undefined> => {
      const row = await db
        .selectFrom('monitoring_batches')
        .selectAll()
        .where('model', '=', model)
        .where('version', '=', version)
        .orderBy('number', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row && read<BatchRow>(row)
    },
    putBatch: async (row: BatchRow): Promise<void> => {
      const { closed, devices, reports, totals } = written(row)
      await db
        .insertInto('monitoring_batches')
        .values(written(row))
        .onConflict((c) => c.columns(['model', 'version', 'number']).doUpdateSet({ closed, devices, reports, totals }))
        .execute()
    },
    /** Counts the device's feedback; true where the device is new in this batch. */
    addBatchDevice: async (row: Tables['monitoring_batch_devices']): Promise<boolean> => {
      const inserted = await db
        .insertInto('monitoring_batch_devices')
        .values(row)
        .onConflict((c) => c.columns(['model', 'version', 'number', 'epoch']).doNothing())
        .returning('epoch')
        .execute()
      if (inserted.length > 0) return true
      if (row.outcomes > 0) {
        const { model, version, number, epoch, outcomes } = row
        await db
          .updateTable('monitoring_batch_devices')
          .set((e) => ({ outcomes: e('outcomes', '+', outcomes) }))
          .where('model', '=', model)
          .where('version', '=', version)
          .where('number', '=', number)
          .where('epoch', '=', epoch)
          .execute()
      }
      return false
    },
    /** Closed batches with a number above `after`, in order. */
    closedBatches: async ({ model, version, after }: Of & { after: number }): Promise<Batch[]> => {
      const rows = await db
        .selectFrom('monitoring_batches')
        .selectAll()
        .where('model', '=', model)
        .where('version', '=', version)
        .where('number', '>', after)
        .where('closed', 'is not', null)
        .orderBy('number')
        .execute()
      const devices = await db
        .selectFrom('monitoring_batch_devices')
        .select((e) => ['number', e.fn.countAll<number>().as('devices')])
        .where('model', '=', model)
        .where('version', '=', version)
        .where('number', '>', after)
        .where('outcomes', '>', 0)
        .groupBy('number')
        .execute()
      const feedback = new Map(devices.map((row) => [row.number, Number(row.devices)]))
      return rows.map((row) => ({
        number: row.number,
        totals: JSON.parse(row.totals) as WindowTotals,
        devices: row.devices,
        feedbackDevices: feedback.get(row.number) ?? 0,
      }))
    },
    /** The batch before number `before`. */
    batchBefore: async ({
      model,
      version,
      before,
      closedOnly,
    }: Of & { before: number; closedOnly: boolean }): Promise<BatchRow | undefined> => {
      let query = db
        .selectFrom('monitoring_batches')
        .selectAll()
        .where('model', '=', model)
        .where('version', '=', version)
        .where('number', '<', before)
        .orderBy('number', 'desc')
        .limit(1)
      if (closedOnly) query = query.where('closed', 'is not', null)
      const row = await query.executeTakeFirst()
      return row && read<BatchRow>(row)
    },
    batchEpochs: async ({ model, version, number }: Of & { number: number }): Promise<string[]> => {
      const rows = await db
        .selectFrom('monitoring_batch_devices')
        .select('epoch')
        .where('model', '=', model)
        .where('version', '=', version)
        .where('number', '=', number)
        .execute()
      return rows.map((row) => row.epoch)
    },
    dropBatchesUpTo: async ({ model, version, number }: Of & { number: number }): Promise<void> => {
      await db
        .deleteFrom('monitoring_batches')
        .where('model', '=', model)
        .where('version', '=', version)
        .where('number', '<=', number)
        .execute()
      await db
        .deleteFrom('monitoring_batch_devices')
        .where('model', '=', model)
        .where('version', '=', version)
        .where('number', '<=', number)
        .execute()
    },
    /** Open batches whose first report came before `opened`. */
    staleBatches: async (opened: number): Promise<BatchRow[]> =>
      (await db.selectFrom('monitoring_batches').selectAll().where('closed', 'is', null).where('opened', '<=', opened).execute()).map(
        (row) => read<BatchRow>(row),
      ),

    watch: async ({ model, version }: Of): Promise<WatchState | undefined> => {
      const row = await db
        .selectFrom('monitoring_watch')
        .select('state')
        .where('model', '=', model)
        .where('version', '=', version)
        .executeTakeFirst()
      return row && (JSON.parse(row.state) as WatchState)
    },
    putWatch: async ({ model, version }: Of, state: WatchState): Promise<void> => {
      const text = JSON.stringify(state)
      await db
        .insertInto('monitoring_watch')
        .values({ model, version, state: text })
        .onConflict((c) => c.columns(['model', 'version']).doUpdateSet({ state: text }))
        .execute()
    },

    /** Kinds of verdict that stand for this version. */
    standing: async ({ model, version }: Of): Promise<string[]> =>
      (
        await db
          .selectFrom('monitoring_verdicts')
          .select('kind')
          .where('model', '=', model)
          .where('version', '=', version)
          .where('cleared', 'is', null)
          .execute()
      ).map((row) => row.kind),
    putVerdict: async ({ model, version, at, verdict }: StoredVerdict): Promise<void> => {
      const row = { model, version, kind: verdict.kind, at, verdict: JSON.stringify(verdict), announced: 0, cleared: null }
      await db
        .insertInto('monitoring_verdicts')
        .values(row)
        .onConflict((c) => c.columns(['model', 'version', 'kind', 'at']).doUpdateSet({ verdict: row.verdict, announced: 0, cleared: null }))
        .execute()
    },
    unannounced: async (): Promise<StoredVerdict[]> =>
      (await db.selectFrom('monitoring_verdicts').selectAll().where('announced', '=', 0).orderBy('at').execute()).map(
        ({ model, version, at, verdict }) => ({ model, version, at, verdict: JSON.parse(verdict) as Verdict }),
      ),
    announced: async ({ model, version, at, verdict }: StoredVerdict): Promise<void> => {
      await db
        .updateTable('monitoring_verdicts')
        .set({ announced: 1 })
        .where('model', '=', model)
        .where('version', '=', version)
        .where('kind', '=', verdict.kind)
        .where('at', '=', at)
        .execute()
    },
    /** Models with a verdict that stands, and its version. */
    allStanding: async (): Promise<Of[]> =>
      db.selectFrom('monitoring_verdicts').select(['model', 'version']).where('cleared', 'is', null).distinct().execute(),
    clearVerdicts: async ({ model, version }: Of, at: number): Promise<void> => {
      await db
        .updateTable('monitoring_verdicts')
        .set({ cleared: at })
        .where('model', '=', model)
        .where('version', '=', version)
        .where('cleared', 'is', null)
        .execute()
    },
    forgetWatch: async ({ model, version }: Of): Promise<void> => {
      await db.deleteFrom('monitoring_watch').where('model', '=', model).where('version', '=', version).execute()
    },

    /** Forgets which devices and reports were seen before `started`: reports from then are refused by their age. */
    prune: async (started: number): Promise<void> => {
      await db.deleteFrom('reports_seen').where('started', '<', started).execute()
      await db.deleteFrom('monitoring_window_devices').where('started', '<', started).execute()
    },
  }
}
export type MonitoringStore = ReturnType<typeof monitoringStore>
