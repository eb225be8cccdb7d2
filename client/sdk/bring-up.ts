import * as z from 'zod/mini'
import type { BackendChoice } from '../../shared/compute/backend-choice.ts'
import { rememberedChoice } from '../../shared/compute/remembered-choice.ts'
import type { Sha256 } from '../../shared/core/digest.ts'
import { AppError, toAppError } from '../../shared/core/errors.ts'
import type { Manifest } from '../../shared/trust/manifest.ts'
import type { Progress } from './api.ts'
import type { VersionRef } from './assignment.ts'
import { obtainVersion } from './delivery/version-source.ts'
import type { DeviceContext } from './device-context.ts'
import { started, starting } from './model-changes.ts'
import { afterLoss, demotion, GPU_LOSSES, type GpuLosses, gpuLosses } from './gpu-losses.ts'
import type { LoadRequest, RuntimeHandle } from './runtime-host.ts'
import { newModelState } from './storage/model-state.ts'

/** A version that has passed its self-test and answers. */
export type RunningVersion = {
  readonly ref: VersionRef
  readonly digest: Sha256
  readonly manifest: Manifest
  readonly handle: RuntimeHandle
  readonly stored: boolean
  /** Runs `work`; the version is not disposed of before it has ended. */
  use<T>(work: () => Promise<T>): Promise<T>
  /** Disposes of the version once nobody uses it. */
  retire(): void
}

export type BringUp = {
  readonly model: string
  readonly key: string
  readonly ref: VersionRef
  readonly signal?: AbortSignal | undefined
  readonly volatile: Map<Sha256, Blob>
  readonly onProgress: (progress: Progress) => void
  /** Hears that the GPU was lost under the version, and that another backend answers. */
  readonly onLost: (loss: { why: string; demoted: boolean }) => void
  readonly onBackend: (choice: BackendChoice) => void
}

/** `demoted`: made while the GPU was out of the question, and worth nothing once it is not. */
const keptChoice = z.extend(rememberedChoice, { demoted: z.boolean() })
const choiceSetting = (manifest: Sha256) => `backend ${manifest}`

function parsedLosses(value: unknown): GpuLosses | undefined {
  const parsed = gpuLosses.safeParse(value)
  return parsed.success ? parsed.data : undefined
}

const noteLoss = async ({ storage, clock }: DeviceContext, fingerprint: string): Promise<GpuLosses | undefined> =>
  parsedLosses(await storage.updateSetting(GPU_LOSSES, (value) => afterLoss(parsedLosses(value), fingerprint, clock.now())))

/** Deletes a stored version and what was remembered for it. */
export async function dropVersion({ storage }: DeviceContext, manifest: Sha256): Promise<void> {
  await storage.dropVersion(manifest)
  await storage.updateSetting(choiceSetting(manifest), () => undefined)
}

/** Frees what no model needs now: versions that are neither active nor the one before, pieces that nobody names. */
export async function makeRoom(context: DeviceContext, keep: readonly Sha256[]): Promise<void> {
  const { storage } = context
  const pinned = new Set((await storage.models()).flatMap(({ active, previous }) => [active, previous]))
  for (const record of await storage.versions()) if (!pinned.has(record.manifest)) await dropVersion(context, record.manifest)
  await storage.sweep(keep)
}

/**
 * Makes a version ready to answer: obtains it, verified, loads it where models run, lets it reproduce its golden outputs, and only then writes the record that makes
 * it exist here. The start itself is noted before and cleared after, so that one which takes the page down is known next time.
 */
export async function bringUp(context: DeviceContext, options: BringUp): Promise<RunningVersion> {
  const { storage, host, clock } = context
  const { model, key, ref, signal, volatile, onProgress } = options
  const [name, alias] = key.split('@') as [string, string]
  const change = (how: typeof started) => storage.updateModel(key, (state) => how(state ?? newModelState(name, alias), ref.manifest))
  const source = await obtainVersion(context, ref, { model, signal, onProgress, volatile, makeRoom: (keep) => makeRoom(context, keep) })
  const bytes = source.manifest.pieces.reduce((sum, piece) => sum + piece.bytes, 0)
  onProgress({ model, version: ref.version, phase: 'load', loaded: bytes, total: bytes })
  await change(starting)
  const known = keptChoice.safeParse(await storage.setting(choiceSetting(ref.manifest)))
  const demoted = demotion(parsedLosses(await storage.setting(GPU_LOSSES)), clock.now())
  const remember = (chosen: BackendChoice, fingerprint: string) =>
    storage.updateSetting(choiceSetting(ref.manifest), () => ({ choice: chosen, fingerprint, demoted: demoted !== undefined }))
  const request: LoadRequest = {
    digest: ref.manifest,
    manifest: source.manifest,
    tensors: () => source.tensors(),
    // parsed into what it is
    ...(known.success && known.data.demoted === (demoted !== undefined)
      ? { remembered: known.data as NonNullable<LoadRequest['remembered']> }
      : {}),
    ...(demoted === undefined ? {} : { demoted }),
    watcher: {
      async lost({ why, fingerprint }) {
        const now = demotion(await noteLoss(context, fingerprint), clock.now())
        options.onLost({ why, demoted: now !== undefined })
        return now
      },
      changed(chosen, fingerprint) {
        options.onBackend(chosen)
        // a stand-in that was not measured is not what was chosen
        if (!chosen.remembered) void remember(chosen, fingerprint).catch((thrown: unknown) => context.note(toAppError(thrown)))
      },
      quiet: () => context.visible() && !context.training.active,
    },
  }
  const handle = await host.load(request, signal).catch(async (thrown: unknown) => {
    const error = toAppError(thrown)
    // a worker that hangs while it loads is as good as dead; a coded refusal is a clean end, and only a death leaves its mark
    if (error.code === 'timeout') throw new AppError('worker_died', error.detail, { cause: error })
    if (error.code !== 'worker_died') await change(started)
    throw error
  })
  try {
    const record = {
      manifest: ref.manifest,
      key,
      version: ref.version,
      envelope: source.envelope,
      pieces: source.manifest.pieces.map(({ digest }) => digest),
      bytes,
      committed: clock.now(),
    }
    const stored = await storage.version(ref.manifest)
    const commit = source.stored && stored === undefined ? ([{ put: 'version', record }] as const) : []
    await storage.updateModel(key, (state) => started(state ?? newModelState(name, alias), ref.manifest), commit)
    if (!handle.choice.remembered) await remember(handle.choice, handle.fingerprint)
  } catch (thrown) {
    await handle.dispose()
    throw thrown
  }
  let users = 0
  let retired = false
  const disposeIfDone = () => {
    if (retired && users === 0) void handle.dispose().catch((thrown: unknown) => context.note(toAppError(thrown)))
  }
  return {
    ref,
    digest: ref.manifest,
    manifest: source.manifest,
    handle,
    stored: source.stored,
    async use(work) {
      users++
      try {
        return await work()
      } finally {
        users--
        disposeIfDone()
      }
    },
    retire() {
      if (retired) return
      retired = true
      disposeIfDone()
    },
  }
}
