import type { UpdateOptions } from '../optimizers.ts'
import type { Kernels } from '../kernels/kernel-signatures.ts'
import type { PlanMemory } from './memory-plan.ts'
import type { Run } from './run.ts'
import { byStretch, type Step } from './share.ts'
import type { FlatRegion } from './weights-layout.ts'

export type Update = {
  /** Whether a kernel may take the step itself instead of writing the gradient. */
  readonly fuses: boolean
  /** Velocity, or first and second moments: flat, in the order of the weights. */
  readonly state: readonly FlatRegion[]
  readonly anchor: FlatRegion | undefined
  /** The optimizer's step with the gradients at `g`, which it may change. */
  steps(g: number): readonly Step[]
}

/** Floats whose squares are summed apart, and stretches that threads take: the sum of those sums is the same whoever took them. */
const CHUNK = 4096

/** The optimizer's step over flat weights. */
export function placeUpdate(options: UpdateOptions, kernels: Kernels, run: Run, trained: FlatRegion, memory: PlanMemory): Update {
  const { optimizer, clipNorm, proximal = 0 } = options
  const { floats } = trained
  const region = (): FlatRegion => ({ address: memory.allocate(floats * 4), floats })
  const momentum = optimizer.kind === 'sgd' ? (optimizer.momentum ?? 0) : 0
  const decay = optimizer.weightDecay ?? 0
  const state = optimizer.kind === 'adam' ? [region(), region()] : momentum > 0 ? [region()] : []
  const [first = 0, second = 0] = state.map(({ address }) => address)
  const anchor = proximal > 0 ? region() : undefined
  const chunks = Math.ceil(floats / CHUNK)
  const squares = clipNorm === undefined ? 0 : memory.allocate(chunks * 8)
  const chunk = (work: (from: number, count: number) => void): Step => byStretch('update', floats, CHUNK, work)

  /** The factor by which the norm of all gradients asks to shorten them. */
  function clip(most: number): number {
    const norm = Math.sqrt(kernels.sumDoubles(squares, chunks))
    return norm > most ? most / norm : 1
  }

  function apply(g: number, from: number, count: number): void {
    const { rate, step } = run
    const at = from * 4
    const w = trained.address + at
    const scale = clipNorm === undefined ? 1 : clip(clipNorm)
    const shrink = 1 - rate * decay
    if (optimizer.kind === 'adam') {
      const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = optimizer
      const correction = Math.sqrt(1 - beta2 ** step)
      const factor = (rate * correction) / (1 - beta1 ** step)
      kernels.adamStep(w, g + at, first + at, second + at, count, factor, scale, shrink, beta1, beta2, epsilon * correction)
    } else if (momentum > 0) kernels.momentumStep(w, g + at, first + at, count, rate, scale, shrink, momentum, optimizer.nesterov ? 1 : 0)
    else kernels.sgdStep(w, g + at, count, rate, scale, shrink)
  }

  return {
    fuses: optimizer.kind === 'sgd' && momentum === 0 && decay === 0 && proximal === 0 && clipNorm === undefined,
    state,
    anchor,
    steps(g) {
      const prepare = chunk((from, count) => {
        const at = from * 4
        if (anchor) kernels.addProximal(g + at, trained.address + at, anchor.address + at, count, proximal)
        if (clipNorm === undefined) return
        for (let done = 0; done < count; done += CHUNK)
          kernels.squaresTo(g + at + done * 4, Math.min(CHUNK, count - done), squares + ((from + done) / CHUNK) * 8)
      })
      const step = chunk((from, count) => apply(g, from, count))
      return anchor || clipNorm !== undefined ? [prepare, step] : [step]
    },
  }
}
