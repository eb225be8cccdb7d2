import type { Clock } from '../../shared/core/clock.ts'
import { connectWorker, type WorkerLike } from '../../shared/worker/connect-worker.ts'
import { INFERENCE_PROTOCOL, type InferenceApi } from '../../shared/worker/inference-api.ts'
import { type HostedLoad, hostedModel } from './hosted-model.ts'
import type { RuntimeHost } from './runtime-host.ts'

export type WorkerHostOptions = {
  readonly spawn: () => WorkerLike
  readonly clock: Clock
  readonly allowSoftware?: boolean
  /** A prediction that takes longer means that the worker hangs. */
  readonly predictTimeoutMs?: number
  readonly loadTimeoutMs?: number
}

/** Runs models in the inference worker. A worker that died is replaced and the model loaded into it again before the next answer. */
export function workerHost({
  spawn,
  clock,
  allowSoftware = false,
  predictTimeoutMs = 20_000,
  loadTimeoutMs = 120_000,
}: WorkerHostOptions): RuntimeHost {
  const worker = connectWorker<InferenceApi>({ spawn, protocol: INFERENCE_PROTOCOL, clock })

  return {
    async load(request, signal) {
      const { topology, signature, transforms, monitors, selfTest, labels, requires } = request.manifest
      const manifest = { topology, signature, transforms, monitors, selfTest, labels, requires }
      const load: HostedLoad = async (how, abort) => {
        const tensors = await request.tensors()
        const loaded = await worker.call('load', [{ manifest, tensors, allowSoftware, ...how }], {
          moves: tensors,
          timeoutMs: loadTimeoutMs,
          ...(abort ? { signal: abort } : {}),
        })
        return { ...loaded, generation: worker.generation }
      }
      return hostedModel({ worker, load, request, clock, predictTimeoutMs, ...(signal ? { signal } : {}) })
    },
    async dispose() {
      worker.dispose()
    },
  }
}
