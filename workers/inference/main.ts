import wasmPath from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url'
import onnxWebgpu from 'onnxruntime-web/ort-wasm-simd-threaded.jspi.wasm?url'
import onnxWasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url'
import { threadsFor } from '../../shared/compute/training-threads.ts'
import { INFERENCE_PROTOCOL } from '../../shared/worker/inference-api.ts'
import { createInferenceService } from '../../shared/worker/inference-service.ts'
import { serveWorker } from '../../shared/worker/serve-worker.ts'
import { TRAINING_PROTOCOL } from '../../shared/worker/training-api.ts'
import { createTrainingService } from '../../shared/worker/training-service.ts'
import { pageThreads } from './page-threads.ts'

/**
 * The page's compute threads: the one that is named `training` trains (see TrainingApi), any other answers (see InferenceApi). One script for both, so that the
 * runtime, the largest file of the app, is downloaded once and a device that never trains pays nothing for it.
 */
if (self.name === 'training') {
  const threads = pageThreads(threadsFor({ isolated: self.crossOriginIsolated, cores: navigator.hardwareConcurrency }))
  serveWorker(createTrainingService({ wasmPath, threads }), { protocol: TRAINING_PROTOCOL })
} else serveWorker(createInferenceService({ wasmPath, onnx: { wasm: onnxWasm, webgpu: onnxWebgpu } }), { protocol: INFERENCE_PROTOCOL })
