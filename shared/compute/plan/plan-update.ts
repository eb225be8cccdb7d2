import type { UpdateOptions } from '../optimizers.ts'
import type { Kernels } from '../kernels/kernel-signatures.ts'
import type { PlanMemory } from './memory-plan.ts'
import type { FlatRegion } from './weights-layout.ts'

/** A part of the flat regions: `from` and `floats` are multiples of 4. */
export type Segment = { readonly from: number; readonly floats: number }

/** Step number `step`, from 1. `norm` is the gradient's over all weights, where it is to be clipped. */
export type UpdateStep = { readonly rate: number; readonly step: number; readonly norm: number }

export type Update = {
  /** Whether a kernel may take the step itself instead of writing the gradient. */
  readonly fuses: boolean
  /** Whether `apply` needs the gradient's norm. */
  readonly clips: boolean
  /** Velocity, or first and second moments: flat, in the order of the weights. */
  readonly state: readonly FlatRegion[]
  readonly anchor: FlatRegion | undefined
  /** Adds the proximal term's gradient to the gradients at `g`. */
  complete(g: number, segment: Segment): void
  sumOfSquares(g: number, segment: Segment): number
  /** Takes the step with the gradients at `g`. */
  apply(g: number, step: UpdateStep, segment: Segment): void
}

/** The optimizer's step over flat weights, all at once or by segments. */
export function placeUpdate(options: UpdateOptions, kernels: Kernels, trained: FlatRegion, memory: PlanMemory): Update {
  const { optimizer, clipNorm, proximal = 0 } = options
  const region = (): FlatRegion => ({ address: memory.allocate(trained.floats * 4), floats: trained.floats })
  const momentum = optimizer.kind === 'sgd' ? (optimizer.momentum ?? 0) : 0
  const decay = optimizer.weightDecay ?? 0
  const state = optimizer.kind === 'adam' ? [region(), region()] : momentum > 0 ? [region()] : []
  const [first = 0, second = 0] = state.map(({ address }) => address)
  const anchor = proximal > 0 ? region() : undefined
  return {
    fuses: optimizer.kind === 'sgd' && momentum === 0 && decay === 0 && proximal === 0 && clipNorm === undefined,
    clips: clipNorm !== undefined,
    state,
    anchor,
    complete(g, { from, floats }) {
      const at = from * 4
      if (anchor) kernels.addProximal(g + at, trained.address + at, anchor.address + at, floats, proximal)
    },
    sumOfSquares: (g, { from, floats }) => kernels.sumOfSquares(g + from * 4, floats),
    apply(g, { rate, step, norm }, { from, floats }) {
      const at = from * 4
      const w = trained.address + at
      const scale = clipNorm !== undefined && norm > clipNorm ? clipNorm / norm : 1
      const shrink = 1 - rate * decay
      if (optimizer.kind === 'adam') {
        const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = optimizer
        const correction = Math.sqrt(1 - beta2 ** step)
        const factor = (rate * correction) / (1 - beta1 ** step)
        kernels.adamStep(w, g + at, first + at, second + at, floats, factor, scale, shrink, beta1, beta2, epsilon * correction)
      } else if (momentum > 0)
        kernels.momentumStep(w, g + at, first + at, floats, rate, scale, shrink, momentum, optimizer.nesterov ? 1 : 0)
      else kernels.sgdStep(w, g + at, floats, rate, scale, shrink)
    },
  }
}
