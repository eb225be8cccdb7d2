import type { KernelBuild } from '../kernels/load-kernels.ts'

/** A view into the plan's memory. Float32 whatever the tensor's own type. */
export type PlanTensor = { readonly name: string; readonly shape: readonly number[]; readonly data: Float32Array<ArrayBuffer> }

/** How a step is taken: `rate` is the step size, `key` what dropout draws from; the same key gives the same masks. */
export type PlanStep = {
  readonly rate: number
  readonly key: number
}

/**
 * A model compiled for one batch size: fixed places for everything, a fixed list of kernel calls, no allocation while it runs. The same bytes in give the
 * same bits out. Views stay valid for as long as the plan lives.
 */
export type Plan = {
  readonly build: KernelBuild
  readonly batchSize: number
  readonly memoryBytes: number
  /** For each model input [batchSize, ...]: write the examples of a batch here. */
  readonly inputs: readonly PlanTensor[]
  /** What the model answers, [batchSize, ...]: logits where the plan trains under a cross-entropy. */
  readonly answers: PlanTensor
  /** Every weight by name. Trained ones are also one flat vector in `flat`. */
  readonly weights: ReadonlyMap<string, PlanTensor>
  /** To be called after weights were written: works out what the plan keeps in another form. */
  weightsSet(): void
  /** Answers for the first `images` examples of `inputs`, as in inference. */
  infer(images: number): void
}

/** A plan with a loss and an optimizer. */
export type TrainingPlan = Plan & {
  /** A class number for each example under softmax cross-entropy, else [batchSize, values of an answer]. */
  readonly targets: PlanTensor
  /** One factor for each example's loss and gradient; 1 at first. */
  readonly exampleWeights: PlanTensor
  /** The weighted loss of each example, and 1 where it was answered rightly. */
  readonly losses: PlanTensor
  readonly right: PlanTensor
  readonly gradients: ReadonlyMap<string, PlanTensor>
  /** All trained weights, their gradients, and the optimizer's state (velocity, or first and second moment), as flat vectors in one order. */
  readonly flat: {
    readonly weights: Float32Array<ArrayBuffer>
    readonly gradients: Float32Array<ArrayBuffer>
    readonly state: readonly Float32Array<ArrayBuffer>[]
  }
  /** Optimizer steps taken so far; part of the state of Adam. */
  steps: number
  /** Losses and answers as in inference. */
  evaluate(images: number): void
  /** Losses, answers and gradients of the mean loss over the batch. Weights stay. */
  differentiate(images: number, step: Pick<PlanStep, 'key'>): void
  /** `differentiate`, then a step of the optimizer. Gradients are not written where the update is fused. */
  train(images: number, step: PlanStep): void
  /**
   * The L2 norm of each example's own gradient, which `each` is shown before the next one replaces it (what clipping for privacy needs; Abadi et al. 2016). Inputs and targets
   * of the batch stay; dropout draws as for batches of one.
   */
  exampleGradients(
    images: number,
    step: Pick<PlanStep, 'key'>,
    each?: (gradient: Float32Array<ArrayBuffer>, example: number) => void,
  ): Float64Array
  /** The update alone, from what is in `flat.gradients`. */
  update(step: Pick<PlanStep, 'rate'>): void
  /** Makes the present weights those that the proximal term pulls to. */
  anchor(): void
}
