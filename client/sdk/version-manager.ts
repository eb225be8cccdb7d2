import type { Sha256 } from '../../shared/core/digest.ts'
import { AppError, type ErrorCode, toAppError } from '../../shared/core/errors.ts'
import type { ReleaseDocument } from '../../shared/trust/release.ts'
import type { ModelEvents, Progress, UpdateOutcome } from './api.ts'
import { assign, type Assignment, type VersionRef } from './assignment.ts'
import { bringUp, dropVersion, type RunningVersion } from './bring-up.ts'
import { pollRelease, storedRelease, trustedNow } from './delivery/release-feed.ts'
import type { BackendChoice } from '../../shared/compute/backend-choice.ts'
import type { DeviceContext } from './device-context.ts'
import type { Emitter } from './events.ts'
import { activated, entered, foundUnfit, MAX_STRIKES, returned, starting, strikesOf, waysBack } from './model-changes.ts'
import { addError, keyOf, type ModelState, newModelState } from './storage/model-state.ts'

/** What makes a version unfit on this device, as opposed to a bad line or a bad moment. */
const UNFIT: ReadonlySet<ErrorCode> = new Set([
  'self_test_failed',
  'output_not_finite',
  'unsupported_op',
  'shape_mismatch',
  'invalid_document',
  'crash_loop',
])
const OFFLINE: ReadonlySet<ErrorCode> = new Set(['network', 'unavailable', 'timeout', 'rate_limited'])

export type VersionManager = {
  readonly current: RunningVersion | null
  /** Predictions, or predictions with feedback, in the first window of the rollout this device is in. */
  readonly firstWindowSize: number | null
  readonly stale: boolean
  /** Runs what is stored. False where nothing stored can run. */
  start(signal?: AbortSignal): Promise<boolean>
  update(signal?: AbortSignal): Promise<UpdateOutcome>
  /** Leaves the running version for the best one stored. False where there is none, or where evidence already led back once in this release. */
  goBack(code: ErrorCode, options: { readonly byEvidence: boolean }): Promise<boolean>
  /** Counts a death of the worker under the running version. True when it was one too many. */
  strike(): Promise<boolean>
  dispose(): Promise<void>
}

/** Which version of one model runs on this device: installs, activates, returns. Storage knows; this is its running image. */
export function createVersionManager(
  context: DeviceContext,
  model: string,
  alias: string,
  events: Emitter<ModelEvents>,
  onProgress: (progress: Progress) => void,
): VersionManager {
  const { storage, locks, clock } = context
  const key = keyOf(model, alias)
  const volatile = new Map<Sha256, Blob>()
  let current: RunningVersion | null = null
  let release: ReleaseDocument | null = null
  let trial: Assignment['trial'] = null
  let goingBack: Promise<boolean> | undefined
  let online = true

  const onLost = (loss: ModelEvents['device-lost']) => events.emit('device-lost', loss)
  const onBackend = ({ backend, why }: BackendChoice) => events.emit('backend', { backend, why })
  const read = async (): Promise<ModelState> => (await storage.model(key)) ?? newModelState(model, alias)
  const change = (how: (state: ModelState) => ModelState) => storage.updateModel(key, (state) => how(state ?? newModelState(model, alias)))
  const roleOf = (ref: VersionRef): string => (release?.rollout?.candidate.manifest === ref.manifest ? release.rollout.id : 'stable')
  const refOf = async (manifest: Sha256): Promise<VersionRef | undefined> => {
    const record = await storage.version(manifest)
    return record && { version: record.version, manifest }
  }

  function swap(next: RunningVersion | null): void {
    const old = current
    current = next
    old?.retire()
    if (next && next.handle.backend !== old?.handle.backend)
      events.emit('backend', { backend: next.handle.backend, why: next.handle.choice.why })
  }

  /** Starts a version, as often as it may die. Throws what makes it unfit, or what stands in its way now. */
  async function run(ref: VersionRef, signal?: AbortSignal): Promise<RunningVersion> {
    for (;;) {
      if (strikesOf(await read(), ref.manifest) >= MAX_STRIKES)
        throw new AppError('crash_loop', `version ${ref.version} ended unclean ${MAX_STRIKES} times`)
      try {
        return await bringUp(context, { model, key, ref, signal, volatile, onProgress, onLost, onBackend })
      } catch (thrown) {
        const { code } = toAppError(thrown)
        if (code !== 'worker_died') throw thrown
      }
    }
  }

  async function refuse(ref: VersionRef, error: AppError): Promise<void> {
    context.note(error)
    await change((state) => foundUnfit(state, ref, roleOf(ref), error.code, current?.ref.version ?? null))
    events.emit('refused', { version: ref.version, code: error.code, detail: error.detail })
  }

  /** Runs the best of these stored versions; what proves unfit on the way is refused. */
  async function runStored(manifests: readonly Sha256[], signal?: AbortSignal): Promise<boolean> {
    for (const manifest of manifests) {
      const ref = await refOf(manifest)
      if (ref === undefined || release?.revoked.includes(ref.version)) continue
      try {
        swap(await run(ref, signal))
        return true
      } catch (thrown) {
        const error = toAppError(thrown)
        if (!UNFIT.has(error.code)) {
          if (error.code === 'aborted' || error.code === 'no_backend') throw error
          context.note(error)
        } else await refuse(ref, error)
      }
    }
    return false
  }

  async function start(signal?: AbortSignal): Promise<boolean> {
    const state = await read()
    release = await storedRelease(context, state)
    if (release) trial = (await assign(release, state, context.identity.device)).trial
    if (!(await runStored(waysBack(state, null), signal))) return false
    const ran = current
    if (ran === null) return false
    if (ran.digest !== state.active) {
      const from = state.active === null ? undefined : await refOf(state.active)
      const after = await change((now) => returned(now, ran.digest))
      const code = after.quarantine.findLast((entry) => entry.manifest === state.active)?.code ?? 'not_found'
      if (from) events.emit('rollback', { from: from.version, to: ran.ref.version, code })
    }
    onProgress({ model, version: ran.ref.version, phase: 'ready', loaded: 0, total: 0 })
    return true
  }

  async function activate(next: RunningVersion): Promise<void> {
    const from = current?.ref.version ?? null
    const left = from !== null && release?.revoked.includes(from)
    await change((state) => (next.stored ? activated(state, next.ref) : state))
    swap(next)
    const state = await read()
    const pinned = [state.active, state.previous, state.factory]
    for (const record of await storage.versions(key)) if (!pinned.includes(record.manifest)) await dropVersion(context, record.manifest)
    events.emit('update', { from, to: next.ref.version })
    if (left) events.emit('rollback', { from, to: next.ref.version, code: 'version_revoked' })
    onProgress({ model, version: next.ref.version, phase: 'ready', loaded: 0, total: 0 })
  }

  /** Runs what the release names first, then what it falls back to. A device that has nothing yet also takes the second best when the best does not come. */
  async function follow(assignment: Assignment, signal?: AbortSignal): Promise<UpdateOutcome['outcome']> {
    let failure: AppError | undefined
    for (const ref of assignment.wanted) {
      if (ref.manifest === current?.digest) return failure ? 'refused' : 'current'
      try {
        await activate(await run(ref, signal))
        return 'updated'
      } catch (thrown) {
        failure = toAppError(thrown)
        if (UNFIT.has(failure.code)) await refuse(ref, failure)
        else if (current !== null || failure.code === 'aborted' || failure.code === 'no_backend') throw failure
        else context.note(failure)
      }
    }
    if (current === null && !(await runStored(waysBack(await read(), null), signal)) && failure) throw failure
    return failure ? 'refused' : 'current'
  }

  function noteLine(error: AppError | null): void {
    if (error && online) events.emit('offline', { error })
    if (!error && !online) events.emit('online', {})
    online = error === null
  }

  async function updateLocked(signal?: AbortSignal): Promise<UpdateOutcome> {
    const version = () => current?.ref.version ?? null
    onProgress({ model, version: null, phase: 'release', loaded: 0, total: 0 })
    try {
      const polled = await pollRelease(context, await read(), signal)
      noteLine(null)
      release = polled.release
      // before the cohort is computed: it is drawn by the id that the server knows
      if (context.consent.statistics)
        await context.identity.register(context.client).catch((thrown: unknown) => context.note(toAppError(thrown)))
      const assignment = await assign(release, polled.state, context.identity.device)
      trial = assignment.trial
      await change((state) => entered(state, trial, clock.now()))
      const revoked = current !== null && release.revoked.includes(current.ref.version)
      try {
        return { outcome: await follow(assignment, signal), version: version() }
      } finally {
        if (revoked && current !== null && release.revoked.includes(current.ref.version)) await leaveRevoked(signal)
      }
    } catch (thrown) {
      const error = toAppError(thrown)
      if (error.code === 'aborted') throw error
      context.note(error)
      if (OFFLINE.has(error.code)) {
        noteLine(error)
        return { outcome: 'offline', version: version() }
      }
      await change((state) => addError(state, error.code))
      if (error.code === 'document_expired' && current !== null) {
        events.emit('stale', { since: release?.expires ?? trustedNow(context, await read()) })
        return { outcome: 'stale', version: version() }
      }
      throw error
    }
  }

  /** The running version was revoked and what should replace it could not be had: whatever else is stored, else nothing. */
  async function leaveRevoked(signal?: AbortSignal): Promise<void> {
    const from = current
    if (from === null) return
    if (await runStored(waysBack(await read(), from.digest), signal)) {
      const to: RunningVersion | null = current
      if (to) await change((state) => returned(state, to.digest))
      if (to) events.emit('rollback', { from: from.ref.version, to: to.ref.version, code: 'version_revoked' })
    } else {
      swap(null)
      await change((state) => ({ ...state, active: null }))
    }
  }

  async function goBackNow(code: ErrorCode, byEvidence: boolean): Promise<boolean> {
    const from = current
    if (from === null) return false
    const state = await read()
    if (byEvidence && state.wentBackAt === state.sequence) return false
    const targets = waysBack(state, from.digest)
    if (!(await runStored(targets))) return false
    const to: RunningVersion | null = current
    if (to === null || to.digest === from.digest) return false
    await change((now) => returned(foundUnfit(now, from.ref, roleOf(from.ref), code, to.ref.version), to.digest))
    events.emit('rollback', { from: from.ref.version, to: to.ref.version, code })
    return true
  }

  return {
    get current() {
      return current
    },
    get firstWindowSize() {
      return trial?.firstWindow ?? null
    },
    get stale() {
      return release !== null && release.expires <= clock.now()
    },
    start: (signal) => locks.hold(`shoal:${key}`, () => start(signal), signal),
    update: (signal) => locks.hold(`shoal:${key}`, () => updateLocked(signal), signal),
    // not under the lock: an answer must not wait for a download that may be running in another tab
    goBack(code, { byEvidence }) {
      goingBack ??= goBackNow(code, byEvidence).finally(() => {
        goingBack = undefined
      })
      return goingBack
    },
    async strike() {
      const ref = current?.ref
      if (ref === undefined) return false
      return strikesOf(await change((state) => starting(state, ref.manifest)), ref.manifest) >= MAX_STRIKES
    },
    async dispose() {
      swap(null)
    },
  }
}
