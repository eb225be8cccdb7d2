import { must } from '../../core/assert.ts'
import { AppError } from '../../core/errors.ts'
import type { Random } from '../../core/random.ts'
import { shapeMismatch, sizeOf } from '../../tensor/tensor.ts'
import { type BatchTransform, countOf, type Examples, gatherInto, rawBatch } from '../examples.ts'
import type { EngineOptions } from '../start-engine.ts'
import type { TrainingEngine } from '../training-engine.ts'
import { type LabelledData, noTotals, type Totals } from '../training-totals.ts'
import type { PlanStep, PlanTensor, TrainingPlan } from './plan.ts'
import { getPlanWeights, setPlanWeights } from './plan-weights.ts'

/** Where one part of a batch is written and its losses are read. */
export type BatchPart = Pick<TrainingPlan, 'targets' | 'exampleWeights' | 'losses' | 'right'> & { readonly input: PlanTensor }

/** How a step is taken: by one plan, or by several that share the batch. */
export type Stepper = {
  readonly plan: TrainingPlan
  readonly parts: readonly BatchPart[]
  readonly reason: string
  /** The examples of each part, for a batch of so many. */
  share(images: number): readonly number[]
  train(images: readonly number[], step: PlanStep & { readonly total: number }): void
  close(): void
}

export const partOf = (plan: TrainingPlan): BatchPart => ({ ...plan, input: must(plan.inputs[0], 'an input') })

export const onePlan = (plan: TrainingPlan): Stepper => ({
  plan,
  parts: [partOf(plan)],
  reason: `${plan.build} kernels`,
  share: (images) => [images],
  train: ([images = 0], step) => plan.train(images, step),
  close() {},
})

/** Trains with a compiled plan, which has the weights to begin with. `names` is the order of weights in what it gives back. */
export function planEngine(stepper: Stepper, options: EngineOptions, names: readonly string[]): TrainingEngine {
  const { plan, parts, share } = stepper
  const first = must(parts[0], 'a part')
  const { loss, transform, weightOf } = options
  const width = sizeOf(plan.answers.shape.slice(1))
  if (options.proximal) plan.anchor()
  const gathers = new Map<string, Examples['data']>()

  function write(
    part: BatchPart,
    { examples, labels }: LabelledData,
    indices: ArrayLike<number>,
    how: BatchTransform,
    random?: Random,
  ): void {
    const { shape, data } = part.input
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
      part.targets.data[i] = label
    }
  }

  function addPart(sums: Totals, { losses, right }: BatchPart, count: number): void {
    sums.count += count
    for (let i = 0; i < count; i++) {
      sums.loss += losses.data[i] as number
      if (sums.right !== undefined) sums.right += right.data[i] as number
    }
  }

  return {
    kind: 'plan',
    reason: stepper.reason,
    async train(indices, rate, random) {
      const key = random.integer(2 ** 32) | 0
      const counts = share(indices.length)
      let from = 0
      for (const [at, part] of parts.entries()) {
        const own = indices.subarray(from, (from += counts[at] ?? 0))
        write(part, options.data, own, transform, random)
        if (weightOf) for (let i = 0; i < own.length; i++) part.exampleWeights.data[i] = weightOf(must(own[i], 'an index'))
      }
      stepper.train(counts, { rate, key, total: indices.length })
      const sums = noTotals(loss)
      for (const [at, part] of parts.entries()) addPart(sums, part, counts[at] ?? 0)
      return sums
    },
    async evaluate(data, beforeBatch) {
      const sums = noTotals(loss)
      const count = countOf(data.examples)
      first.exampleWeights.data.fill(1)
      for (let from = 0; from < count; from += plan.batchSize) {
        await beforeBatch()
        const indices = Int32Array.from({ length: Math.min(plan.batchSize, count - from) }, (_, i) => from + i)
        write(first, data, indices, transform)
        plan.evaluate(indices.length)
        addPart(sums, first, indices.length)
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
    dispose: () => stepper.close(),
  }
}
