import type { NamedTensors } from '../tensor/tensor.ts'
import type { ModelFormat } from '../trust/model-format.ts'
import type { BackendName, BackendOptions } from './backends.ts'
import { loadLayersRuntime } from './layers-runtime.ts'
import type { Topology } from './model.ts'
import type { Runtime } from './runtime.ts'

/** A model as it is stored: its description, of the form that its format takes, and its weights. */
export type RuntimeModel = {
  /** A layers model where left out. */
  readonly format?: ModelFormat
  readonly topology: Topology
  readonly tensors: NamedTensors
}

/**
 * A runtime for a model on a backend: the engine follows from the kind of model, and is itself loaded with the first model that needs it.
 * Throws no_backend, invalid_document, shape_mismatch, unsupported_op.
 */
export async function loadRuntime(model: RuntimeModel, backend: BackendName, options: BackendOptions = {}): Promise<Runtime> {
  if (model.format === 'tfjs-graph') return (await import('./graph-runtime.ts')).loadGraphRuntime(model, backend, options)
  if (model.format === 'onnx') return (await import('./onnx-runtime.ts')).loadOnnxRuntime(model, backend, options)
  return loadLayersRuntime(model, backend, options)
}
