import type { JsonObject } from '../../core/json.ts'
import type { Kernels } from '../kernels/kernel-signatures.ts'
import type { Halo, Region } from './region.ts'
import type { Run } from './run.ts'
import type { Step } from './share.ts'

/** What a layer hands to the next: values of the whole batch, and the place of the loss's gradient by them. */
export type Activation = {
  /** Shape for one example. */
  readonly shape: readonly number[]
  readonly value: Region
  /** Undefined where nothing that leads here is trained, and in a plan that only infers. */
  readonly gradient: Region | undefined
  /** The last thing done to it was a ReLU whose gradient is still to be taken; see `takeRelu`. */
  relu: 'none' | 'open' | 'taken'
}

/** A weight of the layer. `gradient` is where its gradient is to be written each step; 0 where it is not trained. */
export type PlanWeight = {
  readonly name: string
  readonly shape: readonly number[]
  readonly size: number
  readonly address: number
  readonly trainable: boolean
  readonly gradient: number
}

/**
 * Where kernels that sum a weight's gradient put it: mode 0 writes the gradient to `address`, 2 takes rate times it from the weight, which then is at `address` (a fused
 * SGD step). Changes between steps: read both when the step runs.
 */
export type GradientTarget = { address: number; mode: 0 | 2 }

/** What a lowering is given to emit its layer with. */
export type LoweringContext = {
  readonly kernels: Kernels
  readonly run: Run
  readonly batchSize: number
  /** False in a plan that only infers: gradients are undefined and backward steps are dropped. */
  readonly trains: boolean
  /** Convolutions go by tiles wherever they can. */
  readonly tiled: boolean
  /** The layer's place in the graph: tells apart what two layers draw from the same key. */
  readonly place: number
  /**
   * A place for this layer's answer, dense. `strided`: this layer writes it, and reads its gradient, row by row with strides; it then has the halo that
   * the layers behind like, and its gradient has `gradientHalo`, if those can do with strides too. `relu`: the values end in a ReLU (see `takeRelu`).
   */
  output(shape: readonly number[], options?: { strided?: boolean; gradientHalo?: Halo; relu?: boolean }): Activation
  /** The same values under another shape; the input must be dense. */
  alias(input: Activation, shape: readonly number[]): Activation
  /** Where this layer writes the gradient by `input`: all of it, each step. What several layers write is added up. Undefined: not wanted. Call once for each input. */
  gradientOf(input: Activation): Region | undefined
  /** Takes over the gradient of a ReLU that ends `input`, if there is one and nobody else reads it: true means that this layer writes zeros where `input` is 0. */
  takeRelu(input: Activation): boolean
  /** `layer/kernel` by its last part. */
  weight(part: string): PlanWeight | undefined
  /** As `weight.gradient`, or fused with the update where the optimizer allows it. Emit it after everything that reads the weight. */
  gradientTarget(weight: PlanWeight): GradientTarget
  /** Bytes that stay this layer's own, zero at first, 16-byte aligned. */
  allocate(bytes: number): number
  /** A table of 32-bit integers. */
  table(values: readonly number[]): number
  needScratch(bytes: number): void
  forward(...steps: Step[]): void
  /** Steps that read weights only: where weights change, they come first in every pass; in a plan that only infers they run once, when the weights are set. */
  prepare(...steps: Step[]): void
  /** One block of steps. Blocks run in the reverse order of their emission, the steps of a block in the order given. */
  backward(...steps: Step[]): void
  /** Refuses the layer: the plan does not compile, and says why. */
  refuse(what: string): never
}

export type LayerToLower = { readonly name: string; readonly className: string; readonly config: JsonObject }

/**
 * How a class of layers becomes kernel calls. `lower` emits the steps and gives the layer's answer. The inputs are dense unless `strided`: then values
 * and gradients of inputs may have a halo, and every row must be reached by the strides of its region. `halo` is what the layer likes to find around
 * an input of this shape (it must work without).
 */
export type Lowering = {
  readonly lower: (context: LoweringContext, layer: LayerToLower, inputs: readonly Activation[]) => Activation
  readonly strided?: boolean
  readonly halo?: (layer: LayerToLower, shape: readonly number[]) => Halo
}

/** Names of layer classes and how each is lowered: one table for each family, joined in lowerings.ts. */
export type Lowerings = Readonly<Record<string, Lowering>>
