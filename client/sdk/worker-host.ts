import type { Clock } from '../../shared/core/clock.ts'
import { AppError } from '../../shared/core/errors.ts'
import type { BackendName } from '../../shared/compute/backends.ts'
import { connectWorker, type WorkerLike } from '../../shared/worker/connect-worker.ts'
import {
  INFERENCE_PROTOCOL,
  type InferenceApi,
  type LoadedModel,
  type ModelAnswer,
  type ModelInput,
} from '../../shared/worker/inference-api.ts'
import type { LoadRequest, RuntimeHandle, RuntimeHost } from './runtime-host.ts'

export type WorkerHostOptions = {
  readonly spawn: () => WorkerLike
  readonly clock: Clock
  readonly allowSoftware?: boolean
  /** A prediction that takes longer means that the worker hangs. */
  readonly predictTimeoutMs?: number
  readonly loadTimeoutMs?: number
}

/**
 * Runs models in the inference worker. A worker that died is replaced and the model loaded into it again before the next answer; a lost GPU costs the
 * model its WebGPU backend, not its life.
 */
export function workerHost({
  spawn,
  clock,
  allowSoftware = false,
  predictTimeoutMs = 20_000,
  loadTimeoutMs = 120_000,
}: WorkerHostOptions): RuntimeHost {
  const worker = connectWorker<InferenceApi>({ spawn, protocol: INFERENCE_PROTOCOL, clock })

  async function loadInto(
    request: LoadRequest,
    candidates: readonly BackendName[] | undefined,
    signal?: AbortSignal,
  ): Promise<LoadedModel & { generation: number }> {
    const { topology, signature, transforms, monitors, selfTest, labels, requires } = request.manifest
    const manifest = { topology, signature, transforms, monitors, selfTest, labels, requires }
    const tensors = await request.tensors()
    const choice = { ...(candidates ? { candidates } : {}), ...(request.remembered ? { remembered: request.remembered } : {}) }
    const loaded = await worker.call('load', [{ manifest, tensors, allowSoftware, ...choice }], {
      moves: tensors,
      timeoutMs: loadTimeoutMs,
      ...(signal ? { signal } : {}),
    })
    return { ...loaded, generation: worker.generation }
  }

  return {
    async load(request, signal): Promise<RuntimeHandle> {
      let current = await loadInto(request, undefined, signal)
      let reloading: Promise<void> | undefined
      const reload = (candidates?: readonly BackendName[]): Promise<void> => {
        reloading ??= loadInto(request, candidates)
          .then((loaded) => {
            current = loaded
          })
          .finally(() => {
            reloading = undefined
          })
        return reloading
      }
      const ask = (input: ModelInput, signal?: AbortSignal): Promise<ModelAnswer> =>
        worker.call('predict', [current.handle, input], { timeoutMs: predictTimeoutMs, ...(signal ? { signal } : {}) })
      return {
        get backend() {
          return current.backend
        },
        get choice() {
          return current.choice
        },
        get fingerprint() {
          return current.fingerprint
        },
        async predict(input, signal) {
          if (reloading || current.generation !== worker.generation) await reload()
          try {
            return await ask(input, signal)
          } catch (thrown) {
            if (!(thrown instanceof AppError) || thrown.code !== 'no_backend' || current.backend !== 'webgpu') throw thrown
            await reload(['wasm', 'cpu'])
            return ask(input, signal)
          }
        },
        async dispose() {
          if (current.generation === worker.generation) await worker.call('unload', [current.handle]).catch(() => undefined)
        },
      }
    },
    async dispose() {
      worker.dispose()
    },
  }
}
