import type { InferenceApi } from '../../shared/worker/inference-api.ts'
import type { LoadRequest, RuntimeHandle, RuntimeHost } from './runtime-host.ts'

/**
 * Runs models in this process. Devices that share a host share one loaded runtime for each manifest digest: a simulated fleet of hundreds of devices holds
 * each version once, though every device has downloaded and verified it for itself.
 */
export function localHost(service: InferenceApi): RuntimeHost {
  const shared = new Map<string, { users: number; loading: ReturnType<InferenceApi['load']> }>()

  const acquire = (request: LoadRequest) => {
    let entry = shared.get(request.digest)
    if (entry === undefined) {
      const { manifest, remembered } = request
      const loading = request.tensors().then((tensors) => service.load({ manifest, tensors, ...(remembered ? { remembered } : {}) }))
      entry = { users: 0, loading }
      shared.set(request.digest, entry)
    }
    entry.users++
    return entry
  }

  return {
    async load(request): Promise<RuntimeHandle> {
      const entry = acquire(request)
      const release = async () => {
        entry.users--
        if (entry.users > 0 || shared.get(request.digest) !== entry) return
        shared.delete(request.digest)
        const loaded = await entry.loading.catch(() => undefined)
        if (loaded) await service.unload(loaded.handle)
      }
      const loaded = await entry.loading.catch(async (thrown: unknown) => {
        await release()
        throw thrown
      })
      let disposed = false
      return {
        backend: loaded.backend,
        choice: loaded.choice,
        fingerprint: loaded.fingerprint,
        predict: (input) => service.predict(loaded.handle, input),
        async dispose() {
          if (disposed) return
          disposed = true
          await release()
        },
      }
    },
    async dispose() {
      for (const { loading } of shared.values()) {
        const loaded = await loading.catch(() => undefined)
        if (loaded) await service.unload(loaded.handle)
      }
      shared.clear()
    },
  }
}
