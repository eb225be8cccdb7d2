import type { Random } from '../core/random.ts'
import type { TensorData } from '../tensor/tensor.ts'
import type { LabelledData, Totals } from './training-totals.ts'

/** All that a training run has learnt: what an engine goes on from to the same bits. */
export type EngineState = {
  readonly weights: Readonly<Record<string, TensorData>>
  /** Velocity, or first and second moments: flat, in the order of the trained weights. */
  readonly optimizer: readonly Float32Array<ArrayBuffer>[]
  /** Optimizer steps taken. */
  readonly steps: number
}

/** What computes the steps of a training run: a plan of our own kernels, or tfjs. */
export type TrainingEngine = {
  readonly kind: 'plan' | 'tfjs'
  /** Which build or backend computes, and, for tfjs, why no plan does. */
  readonly reason: string
  /** One optimizer step on the examples at `indices`. Draws from `random` what augmentation and dropout need. */
  train(indices: Int32Array, rate: number, random: Random): Promise<Totals>
  /** Loss and right answers over all of `data`. `beforeBatch` may wait, or throw to stop. */
  evaluate(data: LabelledData, beforeBatch: () => Promise<void>): Promise<Totals>
  weights(): Promise<Record<string, TensorData>>
  state(): Promise<EngineState>
  restore(state: EngineState): void
  dispose(): void
}
