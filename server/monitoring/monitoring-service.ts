import type { MonitoringWindow } from '../../shared/contract/monitoring.ts'
import type { SkewReport } from '../../shared/contract/skew.ts'
import type { Clock } from '../../shared/core/clock.ts'
import { AppError } from '../../shared/core/errors.ts'
import type { Sha256 } from '../../shared/core/digest.ts'
import type { DeviceId, Slug } from '../../shared/core/ids.ts'
import type { DriftOptions } from '../../shared/stats/drift.ts'
import type { Report } from '../../shared/stats/report.ts'
import type { Manifest } from '../../shared/trust/manifest.ts'
import type { EventBus } from '../events.ts'
import type { Db } from '../storage/database.ts'
import { transact } from '../storage/transact.ts'
import type { Alerts } from './alert-service.ts'
import { assess } from './assess.ts'
import { reportProblem } from './check-report.ts'
import { createDeviceQuota } from './device-quota.ts'
import { createGroupCommit } from './group-commit.ts'
import { addReports, type CheckedReport, isFull, type ReportConsumer, type Touched } from './ingest.ts'
import { monitoringStore, type StoredVerdict } from './monitoring-store.ts'
import { poolBatches, poolsOfSizes } from './pool.ts'
import { skewOf } from './skew.ts'
import { MONITORING_SETTINGS, type MonitoringSettings } from './settings.ts'
import { judgeAccuracy, judgeDrift, POOL_SIZES, startWatch, takeBatch, type Verdict } from './watch.ts'
import { feedbackOf } from './window-totals.ts'

/** What monitoring needs of the registry. */
export type MonitoredModels = {
  manifestOf(model: Slug, version: number): Promise<Manifest>
  getVersion(model: Slug, version: number): Promise<{ readonly manifest: Sha256 }>
  getModel(model: Slug): Promise<{ readonly aliases: Readonly<Record<string, number>> }>
}

export type Taken = { accepted: number; duplicates: number; refused: { index: number; why: string }[] }

export type Monitoring = Alerts & {
  /** Takes what a device counted: durable when it answers. `assertMayUse` refuses reports of models that its app does not use. Throws rate_limited. */
  ingest(device: DeviceId, reports: readonly Report[], assertMayUse?: (model: Slug) => Promise<void>): Promise<Taken>
  windows(query: {
    model: Slug
    version?: number | undefined
    since?: number | undefined
  }): Promise<{ windows: MonitoringWindow[]; current: MonitoringWindow | null }>
  /** Training data of a version beside what devices met. */
  skew(of: { model: Slug; version: number; since?: number | undefined }): Promise<SkewReport>
  /** What falls due by time: ends batches, repeats the events of verdicts that a crash kept from being published, forgets what is too old. Safe at any moment, as often as one likes. */
  tick(): Promise<void>
  /** Ends the subscriptions. */
  close(): void
}

const MAX_WINDOWS = 2000
const MANIFESTS_KEPT = 64

export type MonitoringDeps = {
  readonly db: Db
  readonly clock: Clock
  readonly events: EventBus
  readonly alerts: Alerts
  readonly models: MonitoredModels
  readonly consumers?: readonly ReportConsumer[]
  readonly settings?: Partial<MonitoringSettings>
  /** Hears of failures after a report was taken: they are tried again later. */
  readonly onError: (thrown: unknown) => void
}

export function createMonitoring({
  db,
  clock,
  events,
  alerts,
  models,
  consumers = [],
  settings: some = {},
  onError,
}: MonitoringDeps): Monitoring {
  const settings: MonitoringSettings = { ...MONITORING_SETTINGS, ...some }
  const store = monitoringStore(db)
  const quota = createDeviceQuota({ clock, maxReports: settings.maxReportsPerHour, maxPredictions: settings.maxPredictionsPerHour })
  const manifestOf = rememberManifests(models)
  const driftOptions: DriftOptions = {
    alpha: settings.driftAlpha,
    margin: settings.driftMargin,
    minimumN: settings.minimumValues,
    minimumDevices: settings.minimumDevices,
    correlation: settings.correlation,
  }

  let turn: Promise<unknown> = Promise.resolve()
  /** One conclusion at a time, in order. A failure is told and does not stop the next. */
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const next = turn.then(work).catch(onError)
    turn = next
    return next
  }

  const isLive = async (model: Slug, version: number): Promise<boolean> =>
    Object.values((await models.getModel(model)).aliases).includes(version)

  /** Verdicts of versions that no alias points at any more are over; their watch begins anew. */
  const clearOld = async (): Promise<void> => {
    for (const of of await store.allStanding()) {
      if (await isLive(of.model, of.version)) continue
      const taken = (await store.watch(of))?.taken ?? 0
      await transact(db, async (tx) => {
        const inside = monitoringStore(tx)
        await inside.clearVerdicts(of, clock.now())
        await inside.putWatch(of, { ...startWatch(), taken })
      })
    }
  }

  const announce = async (): Promise<void> => {
    for (const stored of await store.unannounced()) {
      const { model, version, verdict } = stored
      events.publish({
        type: 'monitoring.verdict',
        subject: model,
        data: { model, version, verdict: verdict.kind, features: [...verdict.features], detail: verdict.detail },
      })
      await store.announced(stored)
    }
  }

  /** Takes the closed batches of a version into its watch and speaks when there is something to say. */
  const conclude = async (model: Slug, version: number): Promise<void> => {
    const of = { model, version }
    let state = (await store.watch(of)) ?? startWatch()
    const batches = await store.closedBatches({ ...of, after: state.taken })
    if (batches.length === 0) return
    const { manifest } = await manifestOf(model, version)
    for (const batch of batches) state = takeBatch(state, batch, manifest, settings)
    const from = { ...of, closedOnly: true }
    // most batches are like those before: nothing has raised an alarm, and nothing more needs to be read
    const pools =
      state.alarmed.length === 0
        ? []
        : await poolsOfSizes(store, { ...from, sizes: POOL_SIZES.map((size) => size * settings.minimumDevices) })
    const feedback = state.accuracyAlarmed
      ? await poolBatches(store, { ...from, enough: (pool) => feedbackOf(pool.totals).n >= settings.minimumFeedback })
      : null
    const drift = judgeDrift(state, pools, manifest, settings)
    const accuracy = feedback === null ? { state: drift.state, verdict: null } : judgeAccuracy(drift.state, feedback, manifest, settings)
    const live = await isLive(model, version)
    const standing = await store.standing(of)
    const verdicts = [drift.verdict, accuracy.verdict].filter(
      (verdict): verdict is Verdict => verdict !== null && live && !standing.includes(verdict.kind),
    )
    await transact(db, async (tx) => {
      const inside = monitoringStore(tx)
      await inside.putWatch(of, accuracy.state)
      for (const verdict of verdicts) {
        const stored = { ...of, at: clock.now(), verdict }
        await inside.putVerdict(stored)
        await alerts.raise(alertOf(stored), tx)
      }
      await inside.dropBatchesUpTo({ ...of, number: state.taken - settings.keepBatches })
    })
    if (verdicts.length > 0) await announce()
  }

  const tellOfSelfRollbacks = async (model: Slug, version: number): Promise<void> => {
    const codes: Record<string, number> = {}
    for (const window of await store.windows({ model, version, limit: MAX_WINDOWS })) {
      for (const [code, count] of Object.entries(window.totals.selfRollbacks)) codes[code] = (codes[code] ?? 0) + count
    }
    const devices = Object.values(codes).reduce((sum, count) => sum + count, 0)
    if (devices < settings.selfRollbackDevices) return
    const reasons = Object.entries(codes).map(([code, count]) => `${code} ${count}`)
    await alerts.raise({
      kind: 'self-rollback',
      severity: 'critical',
      subject: model,
      title: `${model} version ${version}: devices leave it by themselves`,
      detail: `${devices} devices went back to the version before (${reasons.join(', ')}).`,
      evidence: { model, version, devices, codes },
      cause: `self-rollback ${model} ${version}`,
    })
  }

  const concludeAll = async (touched: readonly Touched[]): Promise<void> => {
    for (const { model, version, reports, closedBatch, selfRollbacks } of touched) {
      if (reports > 0) events.publish({ type: 'report.merged', subject: model, data: { model, version, reports } })
      if (closedBatch) await inTurn(() => conclude(model, version))
      if (selfRollbacks) await inTurn(() => tellOfSelfRollbacks(model, version))
    }
    for (const consumer of consumers) await inTurn(() => consumer.conclude())
  }

  const take = createGroupCommit<readonly CheckedReport[], { accepted: number; duplicates: number }>(async (groups) => {
    const all = groups.flat()
    const records: Awaited<ReturnType<ReportConsumer['prepare']>>[] = []
    for (const consumer of consumers) records.push(await consumer.prepare(all))
    const { fresh, touched } = await transact(db, async (tx) => {
      const added = await addReports(monitoringStore(tx), all, clock.now(), settings)
      for (const record of records) await record(tx, added.fresh)
      return added
    })
    await concludeAll(touched)
    return groups.map((group) => {
      const accepted = group.filter((report) => fresh.has(report)).length
      return { accepted, duplicates: group.length - accepted }
    })
  })

  const whyNot = async (report: Report, assertMayUse?: (model: Slug) => Promise<void>): Promise<string | null> => {
    try {
      await assertMayUse?.(report.model)
      const { manifest, digest } = await manifestOf(report.model, report.version)
      if (digest !== report.manifest)
        return `manifest is ${report.manifest.slice(0, 12)} where version ${report.version} of ${report.model} has ${digest.slice(0, 12)}: its counts belong to other references`
      for (const { version } of report.selfRollbacks) await manifestOf(report.model, version)
      return reportProblem(report, manifest, { now: clock.now(), limits: settings.limits })
    } catch (thrown) {
      if (thrown instanceof AppError && thrown.status < 500) return thrown.detail
      throw thrown
    }
  }

  const unsubscribe = events.subscribe(({ type }) => {
    if (type === 'alias.changed') void inTurn(clearOld)
  })

  return {
    ...alerts,
    ingest: async (device, reports, assertMayUse) => {
      quota(
        device,
        reports.length,
        reports.reduce((sum, report) => sum + report.predictions, 0),
      )
      const refused: Taken['refused'] = []
      const checked: CheckedReport[] = []
      for (const [index, report] of reports.entries()) {
        const why = await whyNot(report, assertMayUse)
        if (why === null) checked.push({ device, report })
        else refused.push({ index, why: why.slice(0, 500) })
      }
      const taken = checked.length === 0 ? { accepted: 0, duplicates: 0 } : await take(checked)
      return { ...taken, refused }
    },
    windows: async ({ model, version, since }) => {
      const { aliases } = await models.getModel(model)
      const rows = await store.windows({ model, version, since, limit: MAX_WINDOWS })
      const windows: MonitoringWindow[] = []
      for (const { started, until, ...row } of rows) {
        const { manifest } = await manifestOf(model, row.version)
        windows.push(assess({ ...row, from: started, to: until }, manifest, driftOptions))
      }
      const shown = version ?? aliases['stable'] ?? rows.at(-1)?.version
      if (shown === undefined) return { windows, current: null }
      const { manifest } = await manifestOf(model, shown)
      const pool = await poolBatches(store, {
        model,
        version: shown,
        closedOnly: false,
        enough: (pool) => pool.devices >= settings.minimumDevices && pool.totals.predictions >= settings.minimumValues,
      })
      const now = clock.now()
      return {
        windows,
        current: pool === null ? null : assess({ ...pool, version: shown, from: pool.from ?? now, to: now }, manifest, driftOptions),
      }
    },
    skew: async ({ model, version, since }) => {
      const { manifest } = await manifestOf(model, version)
      return skewOf(version, await store.windows({ model, version, since, limit: MAX_WINDOWS }), manifest, {
        ...driftOptions,
        alpha: settings.driftAlpha,
      })
    },
    tick: () =>
      inTurn(async () => {
        const now = clock.now()
        const due = await transact(db, async (tx) => {
          const inside = monitoringStore(tx)
          const stale = (await inside.staleBatches(now - settings.batchMs)).filter((batch) => isFull(batch, now, settings))
          for (const batch of stale) await inside.putBatch({ ...batch, closed: now })
          return stale
        })
        for (const { model, version } of due) await conclude(model, version)
        await clearOld()
        await announce()
        await store.prune(now - settings.limits.maxAgeMs - settings.windowMs)
      }),
    close: unsubscribe,
  }
}

function alertOf({ model, version, verdict }: StoredVerdict) {
  const { kind, features, detail, evidence } = verdict
  const what = kind === 'drift' ? `inputs have drifted (${features.join(', ')})` : 'answers are worse than promised'
  return {
    kind,
    severity: kind === 'drift' ? ('warning' as const) : ('critical' as const),
    subject: model,
    title: `${model} version ${version}: ${what}`,
    detail,
    evidence: { model, version, ...evidence },
  }
}

/** Manifests never change, so what was read once stays. */
function rememberManifests(models: MonitoredModels): (model: Slug, version: number) => Promise<{ manifest: Manifest; digest: Sha256 }> {
  const kept = new Map<string, Promise<{ manifest: Manifest; digest: Sha256 }>>()
  return (model, version) => {
    const key = `${model} ${version}`
    const known = kept.get(key)
    if (known !== undefined) return known
    const loading = Promise.all([models.manifestOf(model, version), models.getVersion(model, version)]).then(
      ([manifest, { manifest: digest }]) => ({ manifest, digest }),
    )
    loading.catch(() => kept.delete(key))
    if (kept.size >= MANIFESTS_KEPT) kept.delete(kept.keys().next().value ?? key)
    kept.set(key, loading)
    return loading
  }
}
