import type { CandidateName } from '../../shared/compute/backend-choice.ts'
import { MEASURE_AGAIN_MS } from '../../shared/compute/latency-watch.ts'
import type { PredictInput, Predictions } from '../../shared/contract/serving.ts'
import type { Clock } from '../../shared/core/clock.ts'
import type { Sha256 } from '../../shared/core/digest.ts'
import { AppError } from '../../shared/core/errors.ts'
import { newId, type Slug } from '../../shared/core/ids.ts'
import type { Random } from '../../shared/core/random.ts'
import { connectWorker, type WorkerLike } from '../../shared/worker/connect-worker.ts'
import { FailureWithHeaders } from '../http/failure-with-headers.ts'
import type { Registry } from '../registry/registry-service.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import type { KeptChoices } from './kept-choices.ts'
import { nodeThread } from './node-thread.ts'
import { servedVersions } from './served-versions.ts'
import { type LoadedVersion, SERVING_PROTOCOL, type ServedVersion, type ServingApi } from './serving-api.ts'

export type PredictRequest = {
  readonly model: Slug
  readonly inputs: readonly PredictInput[]
  /** Whose version answers; `stable` where neither it nor `version` is given. */
  readonly alias?: Slug | undefined
  readonly version?: number | undefined
}

export type Serving = {
  /** Throws unknown_model, unknown_version, version_revoked, shape_mismatch, invalid_input; unavailable (with Retry-After) while too many others wait. */
  predict(request: PredictRequest): Promise<Predictions>
  /** Ends the thread; what is in flight fails with worker_died. */
  close(): void
}

export type ServingSettings = {
  /** Requests that are answered or wait at the same time. */
  readonly inFlight: number
  /** Versions that stay loaded though nobody asks them. */
  readonly loaded: number
  /** After which the thread counts as hung and is replaced, milliseconds. */
  readonly timeoutMs: number
  /** JavaScript memory of the thread; what a model computes in lies beside it. */
  readonly memoryMb: number
}

export const SERVING_SETTINGS: ServingSettings = { inFlight: 16, loaded: 4, timeoutMs: 30_000, memoryMb: 1024 }

export type ServingDeps = {
  readonly registry: Pick<Registry, 'aliasTarget' | 'getModel' | 'getVersion' | 'manifestOf'>
  readonly blobs: Pick<BlobStore, 'read'>
  readonly choices: KeptChoices
  readonly clock: Clock
  readonly random: Random
  readonly settings?: Partial<ServingSettings>
  readonly spawn?: () => WorkerLike
  readonly onError: (thrown: unknown) => void
}

const STABLE = 'stable' as Slug
/** Loading runs a version in several ways and several times, so it may take so many times as long as an answer. */
const LOADING = 4
/** What a caller that came at a bad time is asked to wait, seconds. */
const RETRY_AFTER = '1'

/** Answers of the registry's versions to callers over HTTP, in a thread of its own that starts with the first question. */
export function createServing({ registry, blobs, choices, clock, random, settings = {}, spawn, onError }: ServingDeps): Serving {
  const { inFlight: most, loaded, timeoutMs, memoryMb } = { ...SERVING_SETTINGS, ...settings }
  const thread = connectWorker<ServingApi>({
    spawn: spawn ?? (() => nodeThread(new URL('./serving-worker.ts', import.meta.url), { memoryMb })),
    protocol: SERVING_PROTOCOL,
    clock,
    timeoutMs,
  })
  const versions = servedVersions(thread, loaded)
  /** What each alias stood for when it was last asked for. */
  const followed = new Map<string, Sha256>()
  /** What runs each version, and since when: timed then, or taken as it was remembered. */
  const running = new Map<Sha256, { since: number; readonly candidate: CandidateName }>()
  let inFlight = 0

  async function wanted({ model, alias, version: given }: PredictRequest): Promise<number> {
    if (alias !== undefined && given !== undefined)
      throw new AppError('invalid_input', 'name an alias or a version, not both', {
        issues: [{ where: 'body.version', what: 'stands beside body.alias' }],
      })
    const version = given ?? (await registry.aliasTarget(model, alias ?? STABLE))
    if (version !== undefined) return version
    await registry.getModel(model)
    throw new AppError('unknown_version', `${model}@${alias ?? STABLE} points at no version yet: release one, or name a version`)
  }

  /** The version that an alias has left is let go, unless another alias still stands for it. */
  function follow(name: string, digest: Sha256): void {
    const before = followed.get(name)
    followed.set(name, digest)
    if (before !== undefined && before !== digest && ![...followed.values()].includes(before)) versions.drop(before)
  }

  async function fetchVersion(model: Slug, version: number, digest: Sha256): Promise<ServedVersion> {
    const found = await registry.manifestOf(model, version)
    const { topology, tensors, signature, transforms, labels, monitors, selfTest, requires, pieces } = found
    return {
      digest,
      manifest: { topology, tensors, signature, transforms, labels, monitors, selfTest, requires },
      pieces: await Promise.all(pieces.map((piece) => blobs.read(piece.digest))),
    }
  }

  async function load(model: Slug, version: number, digest: Sha256, incumbent?: CandidateName): Promise<LoadedVersion> {
    const remembered = incumbent === undefined ? await choices.of(digest) : undefined
    const how = { ...(remembered ? { remembered } : {}), ...(incumbent ? { incumbent } : {}) }
    const loaded = await thread.call('load', [{ ...(await fetchVersion(model, version, digest)), ...how }], {
      timeoutMs: LOADING * timeoutMs,
    })
    running.set(digest, { since: clock.now(), candidate: loaded.choice.candidate })
    // a server whose disk is full still answers
    if (!loaded.choice.remembered) await choices.keep(digest, { choice: loaded.choice, fingerprint: loaded.fingerprint }).catch(onError)
    return loaded
  }

  /** Times the ways to run a version anew, while it goes on answering as before. */
  function measureAgain(model: Slug, version: number, digest: Sha256): void {
    const now = running.get(digest)
    if (now === undefined || clock.now() - now.since < MEASURE_AGAIN_MS) return
    now.since = clock.now()
    // in use for as long, so that it is not let go of meanwhile
    const again = () => load(model, version, digest, now.candidate)
    void versions.use(digest, () => load(model, version, digest), again).catch(onError)
  }

  async function answer(request: PredictRequest): Promise<Predictions> {
    const { model, inputs } = request
    const version = await wanted(request)
    const { manifest: digest, revoked } = await registry.getVersion(model, version)
    if (revoked !== null) {
      versions.drop(digest)
      await choices.forget(digest)
      throw new AppError('version_revoked', `${model} version ${version} was revoked (${revoked.reason}): choose another`)
    }
    if (request.version === undefined) follow(`${model}@${request.alias ?? STABLE}`, digest)
    return versions.use(
      digest,
      () => load(model, version, digest),
      async ({ labels }) => {
        const { backend, answers, drifted } = await thread.call('predict', [digest, inputs])
        if (drifted) measureAgain(model, version, digest)
        const predictions = answers.map((one) => ({ id: newId('prediction', random), ...one }))
        return { model, version, backend, labels: [...labels], predictions }
      },
    )
  }

  return {
    async predict(request) {
      if (inFlight >= most)
        throw new FailureWithHeaders('unavailable', `${most} requests for predictions are in flight: ask again in ${RETRY_AFTER} s`, {
          'retry-after': RETRY_AFTER,
        })
      inFlight++
      try {
        return await answer(request)
      } finally {
        inFlight--
      }
    },
    close: () => thread.dispose(),
  }
}
