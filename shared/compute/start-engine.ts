import { AppError } from '../core/errors.ts'
import type { BatchTransform } from './examples.ts'
import { loadKernels } from './kernels/load-kernels.ts'
import type { LossKind } from './loss.ts'
import { getWeights } from './model.ts'
import type { UpdateOptions } from './optimizers.ts'
import { compileTraining } from './plan/compile.ts'
import { graphOf } from './plan/graph.ts'
import { onePlan, planEngine } from './plan/plan-engine.ts'
import { checkPlanParity } from './plan/plan-parity.ts'
import { setPlanWeights } from './plan/plan-weights.ts'
import type { LayersModel } from './tf.ts'
import { tfjsEngine } from './tfjs-engine.ts'
import type { TrainingEngine } from './training-engine.ts'
import type { LabelledData } from './training-totals.ts'
import { fail, ok, type Result } from '../core/result.ts'

export type EngineChoice = 'auto' | 'plan' | 'tfjs'

/** Starts what computes the steps of a run; `startEngine` unless the caller has another. */
export type EngineStarter = typeof startEngine

export type EngineOptions = UpdateOptions & {
  readonly loss: LossKind
  readonly data: LabelledData
  readonly transform: BatchTransform
  readonly batchSize: number
  /** The factor of an example's loss, by its position in `data`. */
  readonly weightOf?: ((example: number) => number) | undefined
}

/**
 * An engine for this model, with its weights: a plan where the model compiles and the kernels prove themselves, else tfjs, which says why. Asked for a plan,
 * it throws that reason instead.
 */
export async function startEngine(model: LayersModel, options: EngineOptions, choice: EngineChoice): Promise<TrainingEngine> {
  if (choice === 'tfjs') return tfjsEngine(model, options, 'as asked')
  const plan = await startPlan(model, options)
  if (plan.ok) return plan.value
  if (choice === 'plan') throw plan.error
  return tfjsEngine(model, options, plan.error.detail)
}

async function startPlan(model: LayersModel, options: EngineOptions): Promise<Result<TrainingEngine>> {
  const graph = graphOf(model)
  if (!graph.ok) return graph
  const kernels = await loadKernels()
  if (!kernels.ok) return kernels
  const parity = await checkPlanParity(kernels.value)
  if (!parity.ok) return parity
  const plan = compileTraining({ graph: graph.value, kernels: kernels.value, batchSize: options.batchSize }, options)
  if (!plan.ok) return plan
  const weights = await getWeights(model)
  if (Object.values(weights).some(({ dtype }) => dtype !== 'float32'))
    return fail(new AppError('unsupported_op', 'a weight of the model is no float32'))
  setPlanWeights(plan.value, weights)
  return ok(planEngine(onePlan(plan.value), options, Object.keys(weights)))
}
