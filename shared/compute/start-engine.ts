import { AppError } from '../core/errors.ts'
import type { BatchTransform } from './examples.ts'
import { loadKernels } from './kernels/load-kernels.ts'
import type { LossKind } from './loss.ts'
import { getWeights } from './model.ts'
import type { UpdateOptions } from './optimizers.ts'
import { compileTraining } from './plan/compile.ts'
import { graphOf } from './plan/graph.ts'
import type { TrainingPlan } from './plan/plan.ts'
import { planEngine } from './plan/plan-engine.ts'
import { checkPlanParity } from './plan/plan-parity.ts'
import { setPlanWeights } from './plan/plan-weights.ts'
import type { LayersModel } from './tf.ts'
import { tfjsEngine } from './tfjs-engine.ts'
import type { TrainingEngine } from './training-engine.ts'
import { startThreadedPlan, type TrainingThreads } from './training-threads.ts'
import type { LabelledData } from './training-totals.ts'
import { fail, ok, type Result } from '../core/result.ts'

export type EngineChoice = 'auto' | 'plan' | 'tfjs'

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
 * it throws that reason instead. A plan takes all of `threads`; where those do not start, it takes one, and says why.
 */
export async function startEngine(
  model: LayersModel,
  options: EngineOptions,
  choice: EngineChoice,
  threads?: TrainingThreads,
): Promise<TrainingEngine> {
  const alone = threads && threads.count > 1 ? ', on one thread' : ''
  if (choice === 'tfjs') return tfjsEngine(model, options, `as asked${alone}`)
  const plan = await startPlan(model, options, threads)
  if (plan.ok) return plan.value
  if (choice === 'plan') throw plan.error
  return tfjsEngine(model, options, `${plan.error.detail}${alone}`)
}

async function startPlan(
  model: LayersModel,
  options: EngineOptions,
  threads: TrainingThreads | undefined,
): Promise<Result<TrainingEngine>> {
  const graph = graphOf(model)
  if (!graph.ok) return graph
  const kernels = await loadKernels()
  if (!kernels.ok) return kernels
  const parity = await checkPlanParity(kernels.value)
  if (!parity.ok) return parity
  const weights = await getWeights(model)
  if (Object.values(weights).some(({ dtype }) => dtype !== 'float32'))
    return fail(new AppError('unsupported_op', 'a weight of the model is no float32'))
  const engine = (plan: TrainingPlan, where: string, close: () => void): Result<TrainingEngine> => {
    setPlanWeights(plan, weights)
    return ok(planEngine(plan, options, { names: Object.keys(weights), reason: `${plan.build} kernels${where}`, close }))
  }
  const shape = { graph: graph.value, batchSize: options.batchSize }
  let where = ''
  if (threads && threads.count > 1) {
    try {
      const { plan, close } = await startThreadedPlan(shape, options, threads)
      return engine(plan, ` on ${threads.count} threads`, close)
    } catch (thrown) {
      where = `, on one thread: ${thrown instanceof Error ? thrown.message : String(thrown)}`
    }
  }
  const plan = compileTraining({ ...shape, kernels: kernels.value }, options)
  return plan.ok ? engine(plan.value, where, () => {}) : plan
}
