import type { Json } from '../core/json.ts'
import { type Random, seededRandom } from '../core/random.ts'
import { buildModel, type Topology } from './model.ts'
import type { LayersModel } from './tf.ts'

const seed32 = (random: Random): number => 1 + random.integer(2 ** 31 - 2)

/** The topology with a number from `random` in each `seed` that is null: initial weights then follow from the seed alone. */
export function seedInitializers(topology: Topology, random: Random): Topology {
  const visit = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(visit)
    if (typeof value !== 'object' || value === null) return value
    const entries = Object.entries(value as Record<string, Json>).map(([key, member]): [string, Json] => [
      key,
      key === 'seed' && member === null ? seed32(random) : visit(member),
    ])
    return Object.fromEntries(entries)
  }
  return visit(topology) as Topology
}

export const buildSeededModel = (topology: Topology, seed: number): Promise<LayersModel> =>
  buildModel(seedInitializers(topology, seededRandom(seed)))

/** Gives each dropout layer the seed of its next mask; tfjs draws the same mask every time from a fixed seed and an unrepeatable one from none. */
export function reseedDropout(model: LayersModel, random: Random): void {
  for (const layer of model.layers) {
    if (layer.getClassName().endsWith('Dropout')) (layer as unknown as { seed: number }).seed = seed32(random)
  }
}
