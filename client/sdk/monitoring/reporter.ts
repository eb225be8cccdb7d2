import type { Sha256 } from '../../../shared/core/digest.ts'
import { type ErrorCode, toAppError } from '../../../shared/core/errors.ts'
import type { Report } from '../../../shared/stats/report.ts'
import type { Manifest } from '../../../shared/trust/manifest.ts'
import type { DeviceContext } from '../device-context.ts'
import type { Write } from '../storage/device-storage.ts'
import { type ModelState, newModelState } from '../storage/model-state.ts'
import { buildReport } from './build-report.ts'
import { type CountedAnswer, type CountingWindow, mergeRecords, startWindow } from './counting-window.ts'
import { isBad, isOver, outcomeOf } from './first-window.ts'
import { nextReportName } from './report-name.ts'
import type { WindowRecord } from './window-record.ts'

/** What ends a window: so many predictions, or so long after the first. Being hidden ends it too; connect.ts sees to that. */
const WINDOW_PREDICTIONS = 50
const WINDOW_MS = 15 * 60 * 1000

type Version = { readonly digest: Sha256; readonly manifest: Manifest }

/** Counts what the versions of one model do in this session, keeps it across restarts, and turns it into reports. */
export type Reporter = {
  answer(version: Version, answer: CountedAnswer): void
  /** Resolves once the feedback is stored, with the model's state after it. `change` sees the state in the same transaction. */
  feedback(
    version: Version,
    feedback: { readonly predicted: number; readonly confidence: number; readonly right: boolean },
    change: (state: ModelState) => ModelState,
  ): Promise<ModelState>
  error(version: Version | undefined, code: ErrorCode): void
  /** Whether it is time to flush. */
  readonly due: boolean
  /** Everything counted so far into the outbox, in one transaction with its removal here. Empty windows make no report. */
  flush(current: Version | undefined, firstWindowSize: number | null): Promise<void>
  /** The reports that a flush now would make. Their names are not yet given. */
  preview(): Promise<Report[]>
  /** Forgets what was counted: the person withdrew. */
  discard(): Promise<void>
  /** Takes over what a session that died had counted. */
  adopt(session: string, windows: readonly WindowRecord[]): Promise<void>
}

export function createReporter(context: DeviceContext, model: string, alias: string, key: string): Reporter {
  const { storage, clock, session, consent } = context
  let windows = new Map<Sha256, { window: CountingWindow; version: Version }>()
  /** What a flush could not store, and what dead sessions left. */
  let backlog: WindowRecord[] = []
  /** Predictions not yet added to the stored first window. */
  let uncounted = new Map<Sha256, number>()
  let queue: Promise<unknown> = Promise.resolve()
  let dirty = false

  /** One after the other: a checkpoint must never be written after the flush that emptied it. */
  const serial = <T>(work: () => Promise<T>): Promise<T> => {
    const result = queue.then(work)
    queue = result.catch(() => undefined)
    return result
  }

  const windowOf = (version: Version): CountingWindow => {
    let entry = windows.get(version.digest)
    if (entry === undefined) {
      entry = { window: startWindow(version.manifest, version.digest, clock.now()), version }
      windows.set(version.digest, entry)
    }
    return entry.window
  }

  const records = (): WindowRecord[] => {
    const merged = new Map<Sha256, WindowRecord>()
    for (const record of [
      ...backlog,
      ...[...windows.values()].filter(({ window }) => !window.empty).map(({ window }) => window.record()),
    ]) {
      const before = merged.get(record.manifest)
      merged.set(record.manifest, before === undefined ? record : mergeRecords(before, record))
    }
    return [...merged.values()]
  }

  const checkpoint = (): Write[] => (consent.statistics ? [{ put: 'checkpoint', record: { session, key, windows: records() } }] : [])

  /** The state with this session's predictions added to the first window. */
  function counted(state: ModelState, added: ReadonlyMap<Sha256, number>): ModelState {
    const { firstWindow } = state
    if (firstWindow === null || firstWindow.closed) return state
    const more = added.get(firstWindow.manifest) ?? 0
    if (more === 0) return state
    const began = firstWindow.predictions === 0 ? clock.now() : firstWindow.began
    return { ...state, firstWindow: { ...firstWindow, began, predictions: firstWindow.predictions + more } }
  }

  async function persist(change: (state: ModelState) => ModelState = (state) => state): Promise<ModelState> {
    dirty = false
    const added = uncounted
    uncounted = new Map()
    try {
      return await storage.updateModel(key, (state) => change(counted(state ?? newModelState(model, alias), added)), checkpoint())
    } catch (thrown) {
      for (const [digest, count] of added) uncounted.set(digest, (uncounted.get(digest) ?? 0) + count)
      throw thrown
    }
  }

  /** Soon, off the path of the answer; several changes become one write. */
  function persistSoon(): void {
    if (dirty) return
    dirty = true
    serial(() => (dirty ? persist() : Promise.resolve(undefined))).catch((thrown: unknown) => context.note(toAppError(thrown)))
  }

  async function flush(current: Version | undefined, firstWindowSize: number | null): Promise<void> {
    const taken = records()
    const added = uncounted
    const manifests = new Map([...windows.values()].map(({ version }) => [version.digest, version]))
    windows = new Map()
    backlog = []
    uncounted = new Map()
    dirty = false
    try {
      const state = await storage.updateModel(key, (now) => {
        const before = counted(now ?? newModelState(model, alias), added)
        return firstWindowSize === null ? before : closeFirstWindow(before, current, manifests, firstWindowSize)
      })
      added.clear()
      if (!consent.statistics) {
        await storage.updateModel(key, (now) => clearUnsent(now ?? state), [{ drop: 'checkpoint', session, key }])
        return
      }
      await store(taken, state, current)
    } catch (thrown) {
      backlog = [...taken, ...backlog]
      for (const [digest, count] of added) uncounted.set(digest, (uncounted.get(digest) ?? 0) + count)
      throw thrown
    }
  }

  async function store(taken: readonly WindowRecord[], state: ModelState, current: Version | undefined): Promise<void> {
    const { selfRollbacks, outcome, errors } = state.unsent
    const told = selfRollbacks.length > 0 || outcome !== null || Object.keys(errors).length > 0
    // what happened must be told even where nothing was asked since
    const bare = taken.length === 0 && told && current ? [startWindow(current.manifest, current.digest, clock.now()).record()] : []
    const bodies = [...taken, ...bare]
    if (bodies.length === 0) return
    const dropped = await context.outbox.takeDropped()
    const writes: Write[] = [{ drop: 'checkpoint', session, key }]
    for (const [i, record] of bodies.entries()) {
      const body = buildReport(record, await nextReportName(context), i === 0 ? state.unsent : null, i === 0 ? dropped : 0)
      writes.push({ put: 'outbox', created: clock.now(), item: { kind: 'report', body } })
    }
    await storage.updateModel(key, (now) => clearUnsent(now ?? state, state.unsent), writes)
    await context.outbox.trim()
  }

  function closeFirstWindow(
    state: ModelState,
    current: Version | undefined,
    known: ReadonlyMap<Sha256, Version>,
    size: number,
  ): ModelState {
    const { firstWindow } = state
    if (firstWindow === null || firstWindow.closed || !isOver(firstWindow, size, clock.now(), true)) return state
    const version = current?.digest === firstWindow.manifest ? current : known.get(firstWindow.manifest)
    if (version === undefined) return state
    const outcome = outcomeOf(firstWindow, isBad(firstWindow, version.manifest.promised.errorRate))
    return { ...state, firstWindow: { ...firstWindow, closed: true }, unsent: { ...state.unsent, outcome } }
  }

  return {
    answer(version, answer) {
      windowOf(version).answer(answer)
      uncounted.set(version.digest, (uncounted.get(version.digest) ?? 0) + 1)
      persistSoon()
    },
    feedback(version, { predicted, confidence, right }, change) {
      windowOf(version).feedback(predicted, confidence, right)
      return serial(() => persist(change))
    },
    error(version, code) {
      if (version === undefined) return
      windowOf(version).error(code)
      persistSoon()
    },
    get due() {
      return [...windows.values()].some(
        ({ window }) => window.predictions >= WINDOW_PREDICTIONS || (!window.empty && clock.now() - window.began >= WINDOW_MS),
      )
    },
    flush: (current, firstWindowSize) => serial(() => flush(current, firstWindowSize)),
    async preview() {
      const state = await storage.model(key)
      const name = { epoch: '0'.repeat(32), sequence: 0 }
      return records().map((record, i) => buildReport(record, name, i === 0 ? (state?.unsent ?? null) : null, 0))
    },
    discard: () =>
      serial(async () => {
        windows = new Map()
        backlog = []
        await storage.updateModel(key, (state) => clearUnsent(state ?? newModelState(model, alias)), [{ drop: 'checkpoint', session, key }])
      }),
    adopt: (dead, left) =>
      serial(async () => {
        backlog.push(...left)
        await storage.updateModel(key, (state) => state ?? newModelState(model, alias), [
          { drop: 'checkpoint', session: dead, key },
          ...checkpoint(),
        ])
      }),
  }
}

/** Without what was told. What came in between stays for the next report. */
function clearUnsent(state: ModelState, told: ModelState['unsent'] = state.unsent): ModelState {
  const errors = Object.fromEntries(
    (Object.entries(state.unsent.errors) as [ErrorCode, number][])
      .map(([code, count]) => [code, count - (told.errors[code] ?? 0)] as const)
      .filter(([, count]) => count > 0),
  )
  return {
    ...state,
    unsent: {
      selfRollbacks: state.unsent.selfRollbacks.slice(told.selfRollbacks.length),
      outcome: state.unsent.outcome?.rollout === told.outcome?.rollout ? null : state.unsent.outcome,
      errors,
    },
  }
}
