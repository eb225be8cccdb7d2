import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { unwrap } from '../../../shared/core/result.ts'
import { type BackendName, startBackend } from '../../../shared/compute/backends.ts'

/** Where Node finds the binary of the WASM backend. */
export const wasmPath = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm')

/** Where Node finds onnxruntime's module. */
export const onnx = {
  wasm: async () => new Uint8Array(await readFile(createRequire(import.meta.url).resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm'))),
}

export const start = async (backend: BackendName): Promise<BackendName> => unwrap(await startBackend(backend, { wasmPath }))
