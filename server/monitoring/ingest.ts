import type { DeviceId, Slug } from '../../shared/core/ids.ts'
import type { Report } from '../../shared/stats/report.ts'
import type { Db } from '../storage/database.ts'
import type { BatchRow, MonitoringStore, WindowRow } from './monitoring-store.ts'
import type { MonitoringSettings } from './settings.ts'
import { emptyTotals, feedbackOf, mergeTotals, reportTotals, selfRollbackTotals, type WindowTotals } from './window-totals.ts'

/** A report that fits its manifest, and who sent it. */
export type CheckedReport = { readonly device: DeviceId; readonly report: Report }

/** Another part of the server that lives on reports (rollouts). */
export type ReportConsumer = {
  /** Looks up what it needs, before the transaction; gives back what writes within it, told which of the reports count (the others are repetitions). */
  prepare(reports: readonly CheckedReport[]): Promise<(tx: Db, fresh: ReadonlySet<CheckedReport>) => Promise<void>>
  /** After the commit: draws its conclusions. */
  conclude(): Promise<void>
}

export type Touched = {
  readonly model: Slug
  readonly version: number
  readonly reports: number
  readonly closedBatch: boolean
  readonly selfRollbacks: boolean
}

type Settings = Pick<MonitoringSettings, 'windowMs' | 'batchDevices' | 'batchMs'>

/** Adds reports to their windows and batches, within one transaction. Gives back which reports were new, and which versions changed. */
export async function addReports(
  store: MonitoringStore,
  reports: readonly CheckedReport[],
  now: number,
  settings: Settings,
): Promise<{ fresh: Set<CheckedReport>; touched: Touched[] }> {
  const fresh = new Set<CheckedReport>()
  const windows = openWindows(store, now, settings)
  const batches = openBatches(store, now, settings)
  const touched = new Map<string, Touched>()
  const touch = (model: Slug, version: number, change: Partial<Touched>): void => {
    const key = `${model} ${version}`
    const before = touched.get(key) ?? { model, version, reports: 0, closedBatch: false, selfRollbacks: false }
    touched.set(key, {
      ...before,
      reports: before.reports + (change.reports ?? 0),
      closedBatch: before.closedBatch || (change.closedBatch ?? false),
      selfRollbacks: before.selfRollbacks || (change.selfRollbacks ?? false),
    })
  }
  for (const checked of reports) {
    const { report } = checked
    if (!(await store.markSeen(report.epoch, report.window, report.sequence))) continue
    fresh.add(checked)
    const { model, version, epoch } = report
    const totals = reportTotals(report)
    await windows.add({ model, version, at: report.window, epoch, totals })
    touch(model, version, { reports: 1, closedBatch: await batches.add({ model, version, epoch, totals }) })
    for (const { version: left, code } of report.selfRollbacks) {
      await windows.add({ model, version: left, at: report.window, epoch: null, totals: selfRollbackTotals(code) })
      touch(model, left, { selfRollbacks: true })
    }
  }
  await windows.save()
  await batches.save()
  return { fresh, touched: [...touched.values()] }
}

function openWindows(store: MonitoringStore, now: number, { windowMs }: Settings) {
  const open = new Map<string, WindowRow>()
  return {
    add: async ({
      model,
      version,
      at,
      epoch,
      totals,
    }: {
      model: Slug
      version: number
      at: number
      epoch: string | null
      totals: WindowTotals
    }): Promise<void> => {
      // a clock that runs a little ahead opens no window in the future
      const started = Math.floor(Math.min(at, now) / windowMs) * windowMs
      const key = `${model} ${version} ${started}`
      const window = open.get(key) ??
        (await store.window({ model, version, started })) ?? {
          model,
          version,
          started,
          until: started + windowMs,
          devices: 0,
          reports: 0,
          totals: emptyTotals(),
        }
      const isNew = epoch !== null && (await store.addWindowDevice({ model, version, started, epoch }))
      open.set(key, {
        ...window,
        devices: window.devices + (isNew ? 1 : 0),
        reports: window.reports + (epoch === null ? 0 : 1),
        totals: mergeTotals(window.totals, totals),
      })
    },
    save: async (): Promise<void> => {
      for (const window of open.values()) await store.putWindow(window)
    },
  }
}

/** Whether a batch ends: a rule that looks at devices and time, never at what was counted. */
export const isFull = (batch: Pick<BatchRow, 'devices' | 'opened'>, now: number, { batchDevices, batchMs }: Settings): boolean =>
  batch.devices >= batchDevices || now - batch.opened >= batchMs

function openBatches(store: MonitoringStore, now: number, settings: Settings) {
  const open = new Map<string, BatchRow>()
  return {
    /** True where this report filled its batch, or found the one before over. */
    add: async ({
      model,
      version,
      epoch,
      totals,
    }: {
      model: Slug
      version: number
      epoch: string
      totals: WindowTotals
    }): Promise<boolean> => {
      const key = `${model} ${version}`
      let batch = open.get(key) ?? (await store.lastBatch({ model, version }))
      let closed = false
      if (batch !== undefined && batch.closed === null && isFull(batch, now, settings)) {
        batch = { ...batch, closed: now }
        await store.putBatch(batch)
        closed = true
      }
      if (batch === undefined || batch.closed !== null)
        batch = {
          model,
          version,
          number: (batch?.number ?? 0) + 1,
          opened: now,
          closed: null,
          devices: 0,
          reports: 0,
          totals: emptyTotals(),
        }
      const isNew = await store.addBatchDevice({ model, version, number: batch.number, epoch, outcomes: feedbackOf(totals).n })
      batch = { ...batch, devices: batch.devices + (isNew ? 1 : 0), reports: batch.reports + 1, totals: mergeTotals(batch.totals, totals) }
      if (isFull(batch, now, settings)) {
        batch = { ...batch, closed: now }
        // written now: another batch of this version may follow in the same transaction
        await store.putBatch(batch)
        closed = true
      }
      open.set(key, batch)
      return closed
    },
    save: async (): Promise<void> => {
      for (const batch of open.values()) await store.putBatch(batch)
    },
  }
}
