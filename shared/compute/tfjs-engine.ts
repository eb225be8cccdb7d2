import { must } from '../core/assert.ts'
import { getBackend, type LayersModel, type Variable } from './tf.ts'
import { getWeights, setWeights } from './model.ts'
import { makeOptimizer } from './optimizers.ts'
import { reseedDropout } from './seeded-model.ts'
import type { EngineOptions } from './start-engine.ts'
import type { TrainingEngine } from './training-engine.ts'
import { evaluateTrainee, trainBatch, type Trainee } from './training-step.ts'

/** Trains `model` itself, on the current tfjs backend. The model stays its owner's. */
export function tfjsEngine(model: LayersModel, options: EngineOptions, reason: string): TrainingEngine {
  const variables = model.trainableWeights.map((weight) => weight.read() as Variable)
  const trainee: Trainee = { model, loss: options.loss, variables }
  const optimizer = makeOptimizer(options, variables)
  const { data, transform } = options
  return {
    kind: 'tfjs',
    reason: `tfjs on ${getBackend()}: ${reason}`,
    train(indices, rate, random) {
      reseedDropout(model, random)
      const weights = options.weightOf && Array.from(indices, (index) => must(options.weightOf, 'weights')(index))
      return trainBatch(trainee, data, indices, { transform, random, weights }, (gradients) => optimizer.apply(gradients, rate))
    },
    evaluate: (checked, beforeBatch) => evaluateTrainee(trainee, checked, transform, beforeBatch),
    weights: () => getWeights(model),
    async state() {
      return { weights: await getWeights(model), ...(await optimizer.state()) }
    },
    restore(state) {
      setWeights(model, state.weights)
      optimizer.restore(state)
    },
    dispose: () => optimizer.dispose(),
  }
}
