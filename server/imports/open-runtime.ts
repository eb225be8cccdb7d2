import { loadRuntime, type RuntimeModel } from '../../shared/compute/load-runtime.ts'
import type { Runtime } from '../../shared/compute/runtime.ts'
import { AppError } from '../../shared/core/errors.ts'
import { onnxFiles, wasmPath } from '../pipeline/data/step-backend.ts'

/** A model on the server: on WASM, or on the CPU where that has no kernels for it (graphs with text) and for trees. Throws what `loadRuntime` throws. */
export async function openRuntime(model: RuntimeModel): Promise<Runtime> {
  const options = { wasmPath: wasmPath(), onnx: onnxFiles }
  if (model.format === 'trees') return loadRuntime(model, 'cpu', options)
  try {
    return await loadRuntime(model, 'wasm', options)
  } catch (thrown) {
    if (model.format !== 'tfjs-graph' || !(thrown instanceof AppError) || thrown.code !== 'unsupported_op') throw thrown
    return loadRuntime(model, 'cpu', options)
  }
}
