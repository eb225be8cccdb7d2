// a real training worker that trains on the GPU, makes a checkpoint at each step and tells of them; the message "destroy" destroys its GPU device, "no-gpu" also hides the adapter
import wasmPath from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url'
import { systemClock } from '../../shared/core/clock.ts'
import { serveWorker } from '../../shared/worker/serve-worker.ts'
import { TRAINING_PROTOCOL, type TrainRequest } from '../../shared/worker/training-api.ts'
import { createTrainingService } from '../../shared/worker/training-service.ts'
import { devices } from './captured-gpu.ts'

/** What it tells of: where a job went on from, and the steps behind each checkpoint that it handed out. */
export type Told = { readonly begun: number } | { readonly checkpoint: number }
const tell = (told: Told): void => postMessage(told)

// a second passes as an hour: each step is due for a checkpoint
const clock = { ...systemClock, monotonic: () => systemClock.monotonic() * 3600 }
const service = createTrainingService({ wasmPath, clock, backends: ['webgpu', 'wasm'], allowSoftware: true })
const api = {
  ...service,
  async begin(request: TrainRequest) {
    const job = await service.begin(request)
    tell({ begun: request.resume?.done ?? 0 })
    return job
  },
  async next(job: number) {
    const state = await service.next(job)
    if (!state.done && state.checkpoint) tell({ checkpoint: state.checkpoint.done })
    return state
  },
}
serveWorker(api, { protocol: TRAINING_PROTOCOL })

self.addEventListener('message', ({ data }) => {
  if (data === 'no-gpu') GPU.prototype.requestAdapter = async () => null
  if (data === 'no-gpu' || data === 'destroy') devices.at(-1)?.destroy()
})
