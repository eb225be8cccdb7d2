import { sizeOf } from '../../tensor/tensor.ts'
import type { Graph } from './graph.ts'
import type { PlanWeight } from './lowering.ts'
import type { PlanMemory } from './memory-plan.ts'

/** A stretch of the plan's memory that holds the trained weights, or something for each of them, one tensor after another. */
export type FlatRegion = { readonly address: number; readonly floats: number }

export type WeightsLayout = {
  readonly all: readonly PlanWeight[]
  /** Trained weights and, in the same order, their gradients. Each tensor begins at a multiple of 16 bytes; zeros lie between. */
  readonly trained: FlatRegion
  readonly gradients: FlatRegion
}

type Placed = Omit<WeightsLayout, 'gradients'>

const aligned = (floats: number): number => Math.ceil(floats / 4) * 4

/** Places all weights, the trained ones as one flat region. Gradients have no place yet. */
export function placeWeights({ nodes }: Graph, trains: boolean, memory: PlanMemory): Placed {
  const named = nodes.flatMap(({ weights }) => weights)
  const isTrained = (weight: (typeof named)[number]): boolean => trains && weight.trainable
  const floats = named.filter(isTrained).reduce((sum, { shape }) => sum + aligned(sizeOf(shape)), 0)
  const trained = { address: memory.allocate(floats * 4), floats }
  let at = 0
  const all = named.map((weight) => {
    const { name, shape } = weight
    const size = sizeOf(shape)
    const trainable = isTrained(weight)
    if (!trainable) return { name, shape, size, trainable, address: memory.allocate(size * 4), gradient: 0 }
    const address = trained.address + at * 4
    at += aligned(size)
    return { name, shape, size, trainable, address, gradient: 0 }
  })
  return { all, trained }
}

/** The same with a place for each trained weight's gradient: a flat region in the same order. */
export function placeGradients({ all, trained }: Placed, memory: PlanMemory): WeightsLayout {
  const gradients = { address: memory.allocate(trained.floats * 4), floats: trained.floats }
  const shift = gradients.address - trained.address
  return { trained, gradients, all: all.map((weight) => (weight.trainable ? { ...weight, gradient: weight.address + shift } : weight)) }
}
