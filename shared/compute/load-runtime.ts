import type { ModelFormat } from '../trust/model-format.ts'
import { AppError } from '../core/errors.ts'
import type { NamedTensors } from '../tensor/tensor.ts'
import type { CandidateName } from './backend-choice.ts'
import type { BackendOptions } from './backends.ts'
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

/** Why a candidate other than `cpu` does not run trees. */
export const treesElsewhere = (): AppError => new AppError('no_backend', 'trees are walked in plain JavaScript, on the CPU')

/**
 * A runtime for a model: the engine follows from the kind of model and the candidate, and is itself loaded with the first model that needs it.
 * Throws no_backend, invalid_document, shape_mismatch, unsupported_op.
 */
export async function loadRuntime(model: RuntimeModel, candidate: CandidateName, options: BackendOptions = {}): Promise<Runtime> {
  if (model.format === 'trees') {
    if (candidate !== 'cpu') throw treesElsewhere()
    return (await import('./trees-runtime.ts')).loadTreesRuntime(model)
  }
  if (candidate === 'plan') {
    if (model.format !== undefined && model.format !== 'tfjs-layers')
      throw new AppError('no_backend', 'plans are compiled from layers models only')
    return (await import('./plan-runtime.ts')).loadPlanRuntime(model)
  }
  if (model.format === 'tfjs-graph') return (await import('./graph-runtime.ts')).loadGraphRuntime(model, candidate, options)
  if (model.format === 'onnx') return (await import('./onnx-runtime.ts')).loadOnnxRuntime(model, candidate, options)
  return loadLayersRuntime(model, candidate, options)
}
