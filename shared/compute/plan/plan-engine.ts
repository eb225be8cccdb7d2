import { must } from '../../core/assert.ts'
import { AppError } from '../../core/errors.ts'
import type { Random } from '../../core/random.ts'
import { shapeMismatch, sizeOf } from '../../tensor/tensor.ts'
import { type BatchTransform, countOf, type Examples, gatherInto, rawBatch } from '../examples.ts'
import type { EngineOptions } from '../start-engine.ts'
import type { TrainingEngine } from '../training-engine.ts'
import { type LabelledData, noTotals, type Totals } from '../training-totals.ts'
import type { TrainingPlan } from './plan.ts'
import { getPlanWeights, setPlanWeights } from './plan-weights.ts'

type PlanEngineOptions = {
  /** The order of weights in what it gives back. */
  readonly names: readonly string[]
  readonly reason: string
  /** Ends what the plan runs on. */
  readonly close: () => void
}

/** Trains with a compiled plan, which has the weights to begin with. */
export function planEngine(plan: TrainingPlan, options: EngineOptions, { names, reason, close }: PlanEngineOptions): TrainingEngine {
  const { targets, exampleWeights, losses, right } = plan
  const { shape, data } = must(plan.inputs[0], 'an input')
  const { loss, transform, weightOf } = options
  const width = sizeOf(plan.answers.shape.slice(1))
  if (options.proximal) plan.anchor()
  const gathers = new Map<string, Examples['data']>()

  function write({ examples, labels }: LabelledData, indices: ArrayLike<number>, how: BatchTransform, random?: Random): void {
    const count = indices.length
    const size = sizeOf(shape.slice(1))
    if (sizeOf(examples.shape.slice(1)) !== size)
      throw shapeMismatch(
        'a batch of examples',
        `float32[?,${shape.slice(1).join(',')}]`,
        `${sizeOf(examples.shape.slice(1))} values an example`,
      )
    // kept, so that a step allocates nothing
    const key = `${count} ${examples.data.constructor.name}`
    const raw = gathers.get(key) ?? rawBatch(examples, count)
    gathers.set(key, raw)
    gatherInto(examples, indices, raw, data.subarray(0, count * size), how, random)
    for (let i = 0; i < count; i++) {
      const label = must(labels[must(indices[i], 'an index')], 'a label')
      // the kernel would write outside its row
      if (loss === 'softmax-cross-entropy' && (!Number.isInteger(label) || label < 0 || label >= width))
        throw new AppError('invalid_input', `label ${label} is no class number below ${width}`)
      targets.data[i] = label
    }
  }

  function totals(sums: Totals, count: number): Totals {
    sums.count += count
    for (let i = 0; i < count; i++) {
      sums.loss += losses.data[i] as number
      if (sums.right !== undefined) sums.right += right.data[i] as number
    }
    return sums
  }

  return {
    kind: 'plan',
    reason,
    async train(indices, rate, random) {
      const key = random.integer(2 ** 32) | 0
      write(options.data, indices, transform, random)
      if (weightOf) for (let i = 0; i < indices.length; i++) exampleWeights.data[i] = weightOf(must(indices[i], 'an index'))
      plan.train(indices.length, { rate, key })
      return totals(noTotals(loss), indices.length)
    },
    async evaluate(data, beforeBatch) {
      const sums = noTotals(loss)
      const count = countOf(data.examples)
      exampleWeights.data.fill(1)
      for (let from = 0; from < count; from += plan.batchSize) {
        await beforeBatch()
        const indices = Int32Array.from({ length: Math.min(plan.batchSize, count - from) }, (_, i) => from + i)
        write(data, indices, transform)
        plan.evaluate(indices.length)
        totals(sums, indices.length)
      }
      return sums
    },
    async weights() {
      const weights = getPlanWeights(plan)
      return Object.fromEntries(names.map((name) => [name, must(weights[name], name)]))
    },
    async state() {
      return { weights: await this.weights(), optimizer: plan.flat.state.map((flat) => flat.slice()), steps: plan.steps }
    },
    restore(state) {
      if (
        state.optimizer.length !== plan.flat.state.length ||
        state.optimizer.some((flat, i) => flat.length !== plan.flat.state[i]?.length)
      )
        throw shapeMismatch('optimizer state', `${plan.flat.state.length} vectors of ${plan.flat.weights.length} values`, 'others')
      setPlanWeights(plan, state.weights)
      for (const [i, flat] of state.optimizer.entries()) plan.flat.state[i]?.set(flat)
      plan.steps = state.steps
    },
    dispose: close,
  }
}
