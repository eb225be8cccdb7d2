import wasmPath from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url'
import { serveWorker } from '../../shared/worker/serve-worker.ts'
import { TRAINING_PROTOCOL } from '../../shared/worker/training-api.ts'
import { createTrainingService } from '../../shared/worker/training-service.ts'

/** The page's training thread, apart from the one that answers: see TrainingApi for what it does. */
serveWorker(createTrainingService({ wasmPath }), { protocol: TRAINING_PROTOCOL })
