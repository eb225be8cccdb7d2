import type { UpdateOptions } from '../optimizers.ts'
import type { Kernels } from '../kernels/kernel-signatures.ts'
import type { PlanMemory } from './memory-plan.ts'
import type { FlatRegion, WeightsLayout } from './weights-layout.ts'

export type Update = {
  /** Whether a kernel may take the step itself instead of writing the gradient. */
  readonly fuses: boolean
  /** Velocity, or first and second moments: flat, in the order of the weights. */
  readonly state: readonly FlatRegion[]
  readonly anchor: FlatRegion | undefined
  /** Step number `step` (from 1) on the flat region. */
  apply(rate: number, step: number): void
}

/** A step of the optimizer over all trained weights at once. */
export function placeUpdate(options: UpdateOptions, kernels: Kernels, layout: WeightsLayout, memory: PlanMemory): Update {
  const { optimizer, clipNorm, proximal = 0 } = options
  const { floats } = layout.trained
  const [w, g] = [layout.trained.address, layout.gradients.address]
  const region = (): FlatRegion => ({ address: memory.allocate(floats * 4), floats })
  const momentum = optimizer.kind === 'sgd' ? (optimizer.momentum ?? 0) : 0
  const decay = optimizer.weightDecay ?? 0
  const state = optimizer.kind === 'adam' ? [region(), region()] : momentum > 0 ? [region()] : []
  const [first = 0, second = 0] = state.map(({ address }) => address)
  const anchor = proximal > 0 ? region() : undefined
  return {
    fuses: optimizer.kind === 'sgd' && momentum === 0 && decay === 0 && proximal === 0 && clipNorm === undefined,
    state,
    anchor,
    apply(rate, step) {
      if (anchor) kernels.addProximal(g, w, anchor.address, floats, proximal)
      const norm = clipNorm === undefined ? 0 : Math.sqrt(kernels.sumOfSquares(g, floats))
      const scale = clipNorm !== undefined && norm > clipNorm ? clipNorm / norm : 1
      const shrink = 1 - rate * decay
      if (optimizer.kind === 'adam') {
        const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = optimizer
        const correction = Math.sqrt(1 - beta2 ** step)
        const factor = (rate * correction) / (1 - beta1 ** step)
        kernels.adamStep(w, g, first, second, floats, factor, scale, shrink, beta1, beta2, epsilon * correction)
      } else if (momentum > 0) kernels.momentumStep(w, g, first, floats, rate, scale, shrink, momentum, optimizer.nesterov ? 1 : 0)
      else kernels.sgdStep(w, g, floats, rate, scale, shrink)
    },
  }
}
