import { parentPort, workerData } from 'node:worker_threads'
import { checkParity } from '../../../shared/compute/parity.ts'

const { wasmPath } = workerData as { wasmPath: string }
parentPort?.postMessage(await checkParity('wasm', { wasmPath }))
