import { must } from '../../core/assert.ts'
import { AppError } from '../../core/errors.ts'
import type { Kernels } from '../kernels/kernel-signatures.ts'
import type { GradientTarget, PlanWeight } from './lowering.ts'
import type { Plan, PlanTensor, TrainingPlan } from './plan.ts'
import type { PlacedLoss } from './plan-loss.ts'
import type { Update } from './plan-update.ts'
import type { Run } from './run.ts'
import { ALONE, byStretch, type Crew, sequence, type Step } from './share.ts'
import type { FlatRegion, WeightsLayout } from './weights-layout.ts'

/** What a training plan can be told to do. The numbers go from thread to thread. */
export const PASSES = ['infer', 'evaluate', 'differentiate', 'train', 'update'] as const

export type Pass = {
  readonly kind: (typeof PASSES)[number]
  readonly images: number
  readonly key: number
  readonly rate: number
  /** The optimizer's steps up to this one, from 1. */
  readonly step: number
}

export type Perform = (pass: Pass) => void

export type PassParts = {
  readonly run: Run
  readonly crew: Crew
  readonly kernels: Kernels
  /** From the inputs to the answers, from weights that may have changed. */
  readonly forward: readonly Step[]
  readonly loss: PlacedLoss
  readonly backward: readonly Step[]
  readonly update: Update
  readonly weights: WeightsLayout
  readonly fusable: readonly { readonly weight: PlanWeight; readonly target: GradientTarget }[]
}

export type Passes = {
  /** Does this thread's share of a pass. */
  readonly perform: Perform
  /** Does all of it, while the others rest. For the first thread. */
  readonly alone: Perform
}

/** How each kind of pass is done, together with the crew and alone: to the same bits. */
export function passesOf({ run, crew, kernels, forward, loss, backward, update, weights, fusable }: PassParts): Passes {
  const fused = update.fuses ? fusable : []
  /** Weights whose kernels write a gradient even when the update is fused. */
  const apart = weights.all.filter((weight) => weight.trainable && !fused.some((one) => one.weight === weight))
  const stepApart = apart.map(({ address, gradient, size }) =>
    byStretch('update', Math.ceil(size / 4) * 4, 16, (from, floats) =>
      kernels.sgdStep(address + from * 4, gradient + from * 4, floats, run.rate, 1, 1),
    ),
  )
  const fuse = (on: boolean): void => {
    for (const { weight, target } of fused) {
      target.address = on ? weight.address : weight.gradient
      target.mode = on ? 2 : 0
    }
  }
  const both = [...forward, loss.step, ...backward]
  const updates = update.steps(weights.gradients.address)

  function passesBy(these: Crew): Perform {
    const passes = {
      infer: sequence(forward, these),
      evaluate: sequence([...forward, loss.step], these),
      differentiate: sequence(both, these),
      train: sequence([...both, ...(update.fuses ? stepApart : updates)], these),
      update: sequence(updates, these),
    }
    return ({ kind, images, key, rate, step }) => {
      Object.assign(run, { images, training: kind === 'differentiate' || kind === 'train', key, rate, step })
      if (kind !== 'train' || !update.fuses) {
        passes[kind]()
        return
      }
      fuse(true)
      try {
        passes.train()
      } finally {
        fuse(false)
      }
    }
  }
  const perform = passesBy(crew)
  return { perform, alone: crew.parts === 1 ? perform : passesBy(ALONE) }
}

export function checkBatch(images: number, most: number): void {
  if (!Number.isInteger(images) || images < 1 || images > most)
    throw new AppError('invalid_input', `a batch of this plan holds 1 to ${most} examples, got ${images}`)
}

type TrainingPlanParts = {
  readonly plan: Plan
  readonly kernels: Kernels
  readonly loss: PlacedLoss
  readonly update: Update
  readonly weights: WeightsLayout
  tensor(name: string, shape: readonly number[], address: number): PlanTensor
  view(address: number, floats: number): Float32Array<ArrayBuffer>
  /** By all threads. */
  readonly perform: Perform
}

/** The plan as its user sees it. */
export function trainingPlan({ plan, kernels, loss, update, weights, tensor, view, perform: byAll }: TrainingPlanParts): TrainingPlan {
  const { batchSize } = plan
  const perform: Perform = (pass) => {
    checkBatch(pass.images, batchSize)
    byAll(pass)
  }
  const flat = ({ address, floats }: FlatRegion) => view(address, floats)
  const perExample = (name: string, address: number) => tensor(name, [batchSize], address)
  const targetShape = loss.targetWidth === 1 ? [batchSize] : [batchSize, loss.targetWidth]
  const training: TrainingPlan = {
    ...plan,
    targets: tensor('targets', targetShape, loss.targets),
    exampleWeights: perExample('example weights', loss.weights),
    losses: perExample('losses', loss.losses),
    right: perExample('right', loss.right),
    gradients: new Map(
      weights.all.filter(({ trainable }) => trainable).map(({ name, shape, gradient }) => [name, tensor(name, shape, gradient)]),
    ),
    flat: { weights: flat(weights.trained), gradients: flat(weights.gradients), state: update.state.map(flat) },
    steps: 0,
    // every pass begins with what depends on the weights
    weightsSet() {},
    infer: (images) => perform({ kind: 'infer', images, key: 0, rate: 0, step: 0 }),
    evaluate: (images) => perform({ kind: 'evaluate', images, key: 0, rate: 0, step: 0 }),
    differentiate: (images, { key }) => perform({ kind: 'differentiate', images, key, rate: 0, step: 0 }),
    exampleGradients(images, { key }, each) {
      const norms = new Float64Array(images)
      const perExample = [...this.inputs, this.targets, this.exampleWeights].map(({ data }) => ({ data, size: data.length / batchSize }))
      const kept = perExample.map(({ data }) => data.slice())
      for (let i = 0; i < images; i++) {
        for (const [at, { data, size }] of perExample.entries()) data.set(must(kept[at], 'a copy').subarray(i * size, (i + 1) * size))
        this.differentiate(1, { key })
        norms[i] = Math.sqrt(kernels.sumOfSquares(weights.gradients.address, weights.gradients.floats))
        each?.(this.flat.gradients, i)
      }
      for (const [at, { data }] of perExample.entries()) data.set(must(kept[at], 'a copy'))
      return norms
    },
    train(images, { rate, key }) {
      perform({ kind: 'train', images, key, rate, step: this.steps + 1 })
      this.steps += 1
    },
    update({ rate }) {
      perform({ kind: 'update', images: batchSize, key: 0, rate, step: this.steps + 1 })
      this.steps += 1
    },
    anchor() {
      if (update.anchor) flat(update.anchor).set(flat(weights.trained))
    },
  }
  training.exampleWeights.data.fill(1)
  return training
}
