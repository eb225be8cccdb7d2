import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { BackendName } from '../../../shared/compute/backends.ts'
import type { OnnxFiles } from '../../../shared/compute/onnx-module.ts'
import { unwrap } from '../../../shared/core/result.ts'

/** Where the WASM backend's module lies in this installation. */
export const wasmPath = (): string =>
  join(dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm/package.json')), 'dist', 'tfjs-backend-wasm-simd.wasm')

/** Where onnxruntime's module lies in this installation. */
export const onnxFiles: OnnxFiles = {
  wasm: async () => new Uint8Array(await readFile(createRequire(import.meta.url).resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm'))),
}

/** Starts the backend that steps compute on: one WASM thread, so that the same seed gives the same bits. Throws no_backend. */
export async function startStepBackend(): Promise<BackendName> {
  // tfjs: loaded where it computes, not where the server knows its components
  const { startBackend } = await import('../../../shared/compute/backends.ts')
  return unwrap(await startBackend('wasm', { wasmPath: wasmPath() }))
}
