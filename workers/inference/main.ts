import wasmPath from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url'
import { INFERENCE_PROTOCOL } from '../../shared/worker/inference-api.ts'
import { createInferenceService } from '../../shared/worker/inference-service.ts'
import { serveWorker } from '../../shared/worker/serve-worker.ts'

/** The page's inference thread: see InferenceApi for what it does. */
serveWorker(createInferenceService({ wasmPath }), { protocol: INFERENCE_PROTOCOL })
