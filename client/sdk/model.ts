import { AppError, type ErrorCode, toAppError } from '../../shared/core/errors.ts'
import { newId } from '../../shared/core/ids.ts'
import type { Manifest } from '../../shared/trust/manifest.ts'
import type { ModelAnswer, ModelInput } from '../../shared/worker/inference-api.ts'
import type { Answer, LoadOptions, Model, ModelEvents, Progress } from './api.ts'
import { makeRoom, type RunningVersion } from './bring-up.ts'
import type { DeviceContext } from './device-context.ts'
import { createEmitter } from './events.ts'
import { isRight } from './is-right.ts'
import { judged } from './model-changes.ts'
import { createReporter, type Reporter } from './monitoring/reporter.ts'
import { readOutput } from '../../shared/worker/read-output.ts'
import { recentAnswers } from './recent-answers.ts'
import { sharedExampleOf } from './shared-example.ts'
import { keyOf, newModelState } from './storage/model-state.ts'
import { createVersionManager, type VersionManager } from './version-manager.ts'

/** So many answers in a row above the ceiling that the manifest promises, and the version is left. */
const SLOW_IN_A_ROW = 5
/** Answers after which a death of the worker is forgiven. */
const FORGIVEN_AFTER = 20
/** How often one question is asked again after the version under it changed. */
const MAX_TRIES = 4

/** What is read from the answer of a model without labels. */
const UNLABELLED: ReturnType<typeof readOutput> = { probabilities: [], predicted: -1, confidence: 0 }

/** What a version without labels answered, where its first output is one value: what drift of its answers is counted by. */
const numberOf = ({ signature }: Manifest, outputs: ModelAnswer['outputs']): number | bigint | string | boolean | undefined => {
  const { data } = outputs[signature.outputs[0]?.name ?? ''] ?? { data: [] }
  return data.length === 1 ? data[0] : undefined
}

export type LoadedModel = Model & { readonly versions: VersionManager; readonly reporter: Reporter }

/** Loads a model on this device: from storage, the server, or both, as the strategy says. */
export async function loadModel(context: DeviceContext, name: string, options: LoadOptions): Promise<LoadedModel> {
  const { alias = 'stable', strategy = 'cached-then-update', signal } = options
  const { storage, clock, random } = context
  const key = keyOf(name, alias)
  const events = createEmitter<ModelEvents>()
  const onProgress = (progress: Progress) => {
    options.onProgress?.(progress)
    events.emit('progress', progress)
  }
  const versions = createVersionManager(context, name, alias, events, onProgress)
  const reporter = createReporter(context, name, alias, key)
  const recent = recentAnswers()
  let slow = 0
  let sinceDeath = FORGIVEN_AFTER
  let disposed = false

  const currentVersion = () => (versions.current ? { digest: versions.current.digest, manifest: versions.current.manifest } : undefined)

  const note = (thrown: unknown): undefined => {
    context.note(toAppError(thrown))
  }
  /** Work that the app did not ask for and must not fail by. */
  const behind = (work: Promise<unknown>) => void work.catch(note)

  async function flush(): Promise<void> {
    const store = () => reporter.flush(currentVersion(), versions.firstWindowSize)
    await store().catch(async (thrown: unknown) => {
      if (toAppError(thrown).code !== 'storage_full') throw thrown
      // what was counted comes before models that nobody runs
      await makeRoom(context, [])
      await store()
    })
    const { sent, refused, error } = await context.outbox.send()
    if (sent > 0) events.emit('report', { sent, refused: refused.length })
    if (error) context.note(error)
  }

  async function update(signal?: AbortSignal) {
    const result = await versions.update(signal)
    // what this told about versions should reach the server now, not after fifty predictions
    if (result.outcome === 'updated' || result.outcome === 'refused') behind(flush())
    return result
  }

  /** What to do after an answer failed. True: ask again. */
  async function recover(running: RunningVersion, code: ErrorCode): Promise<boolean> {
    if (code === 'output_not_finite') {
      reporter.error({ digest: running.digest, manifest: running.manifest }, code)
      return versions.current !== running || versions.goBack(code, { byEvidence: false })
    }
    if (code !== 'worker_died' && code !== 'timeout') return false
    reporter.error({ digest: running.digest, manifest: running.manifest }, code)
    sinceDeath = 0
    if (versions.current === running && (await versions.strike())) await versions.goBack('crash_loop', { byEvidence: false })
    return true
  }

  async function predict(input: ModelInput, signal: AbortSignal | undefined, tries: number): Promise<Answer> {
    const running = versions.current
    if (running === null)
      throw new AppError(
        disposed ? 'conflict' : 'version_revoked',
        disposed ? 'this model has been disposed of' : 'no version of this model may run here; checkForUpdate() asks for another',
      )
    let result: Awaited<ReturnType<RunningVersion['handle']['predict']>>
    let read: ReturnType<typeof readOutput>
    try {
      result = await running.use(() => running.handle.predict(input, signal))
      read = running.manifest.labels.length === 0 ? UNLABELLED : readOutput(result.output, running.manifest.labels)
    } catch (thrown) {
      const error = toAppError(thrown)
      if (tries > 1 && (await recover(running, error.code))) return predict(input, signal, tries - 1)
      throw error
    }
    return settle(running, input, result, read)
  }

  function settle(
    running: RunningVersion,
    input: ModelInput,
    { observed, outputs, ms }: ModelAnswer,
    read: ReturnType<typeof readOutput>,
  ): Answer {
    const { manifest, digest, ref, handle } = running
    const { probabilities, predicted, confidence } = read
    const id = newId('prediction', random)
    context.training.answered(ms)
    const prediction = predicted >= 0 ? manifest.labels[predicted] : numberOf(manifest, outputs)
    const number = predicted < 0 && typeof prediction === 'number' ? prediction : undefined
    recent.add(id, { digest, manifest, predicted, confidence, number, at: clock.now(), input, judged: false })
    reporter.answer({ digest, manifest }, { predicted, prediction, confidence, observed, ms, backend: handle.backend })
    if (++sinceDeath === FORGIVEN_AFTER)
      behind(storage.updateModel(key, (state) => ({ ...(state ?? newModelState(name, alias)), crash: null })))
    slow = ms > manifest.promised.latencyCeilingMs && context.visible() ? slow + 1 : 0
    if (slow >= SLOW_IN_A_ROW) {
      slow = 0
      behind(versions.goBack('too_slow', { byEvidence: true }))
    }
    if (reporter.due) behind(flush())
    const label = manifest.labels[predicted] ?? ''
    return { id, label, probabilities, confidence, outputs, version: ref.version, backend: handle.backend, ms }
  }

  const model: LoadedModel = {
    name,
    alias,
    versions,
    reporter,
    get version() {
      return versions.current?.ref.version ?? null
    },
    get labels() {
      return versions.current?.manifest.labels ?? []
    },
    get signature() {
      return versions.current?.manifest.signature ?? null
    },
    get backend() {
      return versions.current?.handle.backend ?? null
    },
    get stale() {
      return versions.stale
    },
    predict: (input, { signal } = {}) => predict(input, signal, MAX_TRIES),
    async feedback(id, truth, { share = false } = {}) {
      const answer = recent.get(id)
      if (answer === undefined || answer.judged) return { counted: false, shared: false, kept: false }
      const { manifest, digest, predicted, confidence } = answer
      const right = isRight(answer, truth)
      answer.judged = true
      const label = typeof truth === 'string' ? truth : null
      const kept = label !== null && (await context.training.keep(name, id, answer, label).catch(note)) === true
      const state = await reporter
        .feedback({ digest, manifest }, { predicted, confidence, right }, (before) =>
          judged(before, digest, !right, manifest.promised.errorRate),
        )
        .catch(note)
      // it is counted in memory all the same, and tried again with the next write
      if (state === undefined) return { counted: true, shared: false, kept }
      const example = share && context.consent.sharing && label !== null ? sharedExampleOf(id, answer, label) : undefined
      if (example) {
        await storage.updateModel(key, (now) => now ?? state, [
          { put: 'outbox', created: clock.now(), item: { kind: 'example', model: name, body: example } },
        ])
        await context.outbox.trim()
      }
      if (state.promise?.state.broken && state.promise.manifest === versions.current?.digest)
        await versions.goBack('promise_broken', { byEvidence: true })
      const size = versions.firstWindowSize
      if (size !== null && state.firstWindow && !state.firstWindow.closed && state.firstWindow.labelled >= size) behind(flush())
      return { counted: true, shared: example !== undefined, kept }
    },
    checkForUpdate: ({ signal } = {}) => update(signal),
    contribute: (options = {}) => context.training.contribute(name, options, versions.current?.manifest),
    pauseTraining: () => context.training.pause(name, true),
    resumeTraining: () => context.training.pause(name, false),
    keptExamples: () => context.training.count(name),
    rollback: () => versions.goBack('aborted', { byEvidence: false }),
    explainBackend: () => versions.current?.handle.choice ?? null,
    flush,
    on: events.on,
    async dispose() {
      if (disposed) return
      disposed = true
      await reporter.flush(currentVersion(), versions.firstWindowSize).catch(note)
      await versions.dispose()
    },
    [Symbol.asyncDispose]: () => model.dispose(),
  }

  await adoptDeadSessions(context, key, reporter)
  await begin()
  // what an earlier session could not send any more
  behind(storage.outboxSize().then((waiting) => (waiting > 0 ? flush() : undefined)))
  return model

  async function begin(): Promise<void> {
    if (strategy === 'latest') {
      const found = await update(signal).catch((thrown: unknown) => toAppError(thrown))
      if (versions.current !== null || (await versions.start(signal))) return
      throw found instanceof AppError ? found : nothingToRun(found.outcome)
    }
    if (await versions.start(signal)) {
      if (strategy === 'cached-then-update') behind(update())
      return
    }
    const { outcome } = await update(signal)
    if (versions.current === null) throw nothingToRun(outcome)
  }

  function nothingToRun(outcome: string): AppError {
    if (outcome === 'offline') return new AppError('offline_no_model', `${name} is not stored here and the server cannot be reached`)
    return new AppError('self_test_failed', `no version of ${name} that the release names works on this device`)
  }
}

/** Counts that a tab left behind when it died become ours. A session that lives holds a lock in its name. */
async function adoptDeadSessions(context: DeviceContext, key: string, reporter: Reporter): Promise<void> {
  for (const { session, key: theirs, windows } of await context.storage.checkpoints()) {
    if (theirs !== key || session === context.session) continue
    await context.locks.tryHold(`shoal:session:${session}`, () => reporter.adopt(session, windows))
  }
}
