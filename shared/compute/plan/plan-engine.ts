import { must } from '../../core/assert.ts'
import { AppError } from '../../core/errors.ts'
import type { Random } from '../../core/random.ts'
import { shapeMismatch, sizeOf } from '../../tensor/tensor.ts'
import { type BatchTransform, countOf, type Examples, gatherInto, rawBatch } from '../examples.ts'
import { isRegression } from '../loss.ts'
import type { EngineOptions } from '../start-engine.ts'
import type { TrainingEngine } from '../training-engine.ts'
import { addTotals, type LabelledData, noTotals, type Totals } from '../training-totals.ts'
import type { TrainingPlan } from './plan.ts'
import { getPlanWeights, setPlanWeights } from './plan-weights.ts'

/** Examples gathered at a time: as stored, and where the plan reads them. Kept, so that a step allocates nothing. */
type Gather = { readonly raw: Examples['data']; readonly out: Float32Array }

/** Trains with a compiled plan, which has the weights to begin with. `names` is the order of weights in what it gives back. */
export function planEngine(plan: TrainingPlan, options: EngineOptions, names: readonly string[]): TrainingEngine {
  const { loss, transform, weightOf } = options
  const input = must(plan.inputs[0], 'an input')
  const width = sizeOf(plan.answers.shape.slice(1))
  if (options.proximal) plan.anchor()
  const gathers = new Map<string, Gather>()

  function gather(examples: Examples, indices: ArrayLike<number>, how: BatchTransform, random?: Random): void {
    const count = indices.length
    const size = sizeOf(input.shape.slice(1))
    if (sizeOf(examples.shape.slice(1)) !== size)
      throw shapeMismatch(
        'a batch of examples',
        `float32[?,${input.shape.slice(1).join(',')}]`,
        `${sizeOf(examples.shape.slice(1))} values an example`,
      )
    const key = `${count} ${examples.data.constructor.name}`
    const room = gathers.get(key) ?? { raw: rawBatch(examples, count), out: input.data.subarray(0, count * size) }
    gathers.set(key, room)
    gatherInto(examples, indices, room.raw, room.out, how, random)
  }

  function writeTargets({ labels }: LabelledData, indices: ArrayLike<number>): void {
    for (let i = 0; i < indices.length; i++) {
      const label = must(labels[must(indices[i], 'an index')], 'a label')
      // the kernel would write outside its row
      if (loss === 'softmax-cross-entropy' && (!Number.isInteger(label) || label < 0 || label >= width))
        throw new AppError('invalid_input', `label ${label} is no class number below ${width}`)
      plan.targets.data[i] = label
    }
  }

  function totals(count: number): Totals {
    const sums = noTotals(loss)
    sums.count = count
    let right = 0
    for (let i = 0; i < count; i++) {
      sums.loss += plan.losses.data[i] as number
      right += plan.right.data[i] as number
    }
    if (!isRegression(loss)) sums.right = right
    return sums
  }

  return {
    kind: 'plan',
    reason: `${plan.build} kernels`,
    async train(indices, rate, random) {
      const key = random.integer(2 ** 32) | 0
      gather(options.data.examples, indices, transform, random)
      writeTargets(options.data, indices)
      if (weightOf) for (let i = 0; i < indices.length; i++) plan.exampleWeights.data[i] = weightOf(must(indices[i], 'an index'))
      plan.train(indices.length, { rate, key })
      return totals(indices.length)
    },
    async evaluate(data, beforeBatch) {
      const all = noTotals(loss)
      const count = countOf(data.examples)
      plan.exampleWeights.data.fill(1)
      for (let from = 0; from < count; from += plan.batchSize) {
        await beforeBatch()
        const indices = Int32Array.from({ length: Math.min(plan.batchSize, count - from) }, (_, i) => from + i)
        gather(data.examples, indices, transform)
        writeTargets(data, indices)
        plan.evaluate(indices.length)
        addTotals(all, totals(indices.length))
      }
      return all
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
    dispose() {},
  }
}
