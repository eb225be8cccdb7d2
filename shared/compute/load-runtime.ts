import type { NamedTensors } from '../tensor/tensor.ts'
import type { BackendName, BackendOptions } from './backends.ts'
import { loadLayersRuntime } from './layers-runtime.ts'
import type { Topology } from './model.ts'
import type { Runtime } from './runtime.ts'

/** A model as it is stored. */
export type RuntimeModel = { readonly topology: Topology; readonly tensors: NamedTensors }

/** A runtime for a model on a backend: the engine follows from the kind of model. Throws no_backend, invalid_document, shape_mismatch. */
export const loadRuntime = (model: RuntimeModel, backend: BackendName, options: BackendOptions = {}): Promise<Runtime> =>
  loadLayersRuntime(model, backend, options)
