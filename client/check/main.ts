import { systemClock } from '../../shared/core/clock.ts'
import { toAppError } from '../../shared/core/errors.ts'
import { decodeSafetensors } from '../../shared/tensor/safetensors.ts'
import { connectWorker } from '../../shared/worker/connect-worker.ts'
import { INFERENCE_PROTOCOL, type InferenceApi, type RunnableManifest } from '../../shared/worker/inference-api.ts'
import type { BackendName } from '../../shared/compute/backends.ts'

type Job = { readonly manifest: RunnableManifest; readonly candidates: readonly BackendName[]; readonly timeoutMs: number }

/** Loads the candidate in the worker that devices use, on each backend by itself, and tells what became of it. */
async function check(): Promise<unknown> {
  const job = (await (await fetch('/job.json')).json()) as Job
  const { tensors } = decodeSafetensors(new Uint8Array(await (await fetch('/model.safetensors')).arrayBuffer()))
  const worker = connectWorker<InferenceApi>({
    spawn: () => new Worker(new URL('../../workers/inference/main.ts', import.meta.url), { type: 'module' }),
    protocol: INFERENCE_PROTOCOL,
    clock: systemClock,
    timeoutMs: job.timeoutMs,
  })
  const backends: Record<string, unknown> = {}
  for (const backend of job.candidates) {
    try {
      const loaded = await worker.call('load', [{ manifest: job.manifest, tensors, candidates: [backend], allowSoftware: true }])
      const { bytes } = await worker.call('memory', [])
      const timing = loaded.choice.timings[backend]
      backends[backend] = {
        ok: true,
        largestDifference: loaded.largestDifference,
        loadMs: loaded.ms,
        answerMs: timing?.median ?? null,
        bytes,
      }
      await worker.call('unload', [loaded.handle])
    } catch (thrown) {
      const { code, detail } = toAppError(thrown)
      backends[backend] = { ok: false, code, detail }
    }
  }
  worker.dispose()
  return { userAgent: navigator.userAgent, backends }
}

const tell = (result: unknown) =>
  fetch('/result', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(result) })

await check().then(tell, (thrown: unknown) => {
  const { code, detail } = toAppError(thrown)
  return tell({ failed: { code, detail } })
})
