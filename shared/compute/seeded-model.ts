import type { Json } from '../core/json.ts'
import { type Random, seededRandom } from '../core/random.ts'
import { seededCellDropout } from './layer-repairs.ts'
import { buildModel, type Topology } from './model.ts'
import type { LayersModel } from './tf.ts'

const seed32 = (random: Random): number => 1 + random.integer(2 ** 31 - 2)

const isOpen = (seed: unknown): boolean => seed === null || seed === undefined

/** The topology with a number from `random` in each `seed` that is open: initial weights then follow from the seed alone. */
export function seedInitializers(topology: Topology, random: Random): Topology {
  const visit = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(visit)
    if (typeof value !== 'object' || value === null) return value
    const entries = Object.entries(value as Record<string, Json>).map(([key, member]): [string, Json] => [
      key,
      key === 'seed' && isOpen(member) ? seed32(random) : visit(member),
    ])
    return Object.fromEntries(entries)
  }
  return visit(topology) as Topology
}

/** Whether an initializer is left that draws as it likes. */
function drawsFreely(config: unknown, initializer = false): boolean {
  if (typeof config !== 'object' || config === null) return false
  return Object.entries(config).some(
    ([key, member]) => (initializer && key === 'seed' && isOpen(member)) || drawsFreely(member, initializer || /initializer$/i.test(key)),
  )
}

/** A model whose initial weights follow from the seed. A topology need not name its initializers, or their seeds: what tfjs takes in their place gets some too. */
export async function buildSeededModel(topology: Topology, seed: number): Promise<LayersModel> {
  const random = seededRandom(seed)
  const model = await buildModel(seedInitializers(topology, random))
  // only the built model tells them
  const told = model.toJSON(null, false) as Topology
  if (!drawsFreely(told)) return model
  model.dispose()
  return buildModel(seedInitializers(told, random))
}

type Noisy = { seed?: number; dropoutFunc?: ReturnType<typeof seededCellDropout> }
type Nest = Noisy & { layer?: Nest; cell?: Nest; cells?: Nest[]; forwardLayer?: Nest; backwardLayer?: Nest; getClassName(): string }

/** Gives each layer that draws noise, wrapped ones and recurrent cells included, the seed of its next draws: tfjs repeats a fixed seed and forgets others. */
export function reseedDropout(model: LayersModel, random: Random): void {
  const visit = (layer: Nest): void => {
    const name = layer.getClassName()
    if (name.endsWith('Cell')) layer.dropoutFunc = seededCellDropout(seed32(random))
    else if (/Dropout|GaussianNoise/.test(name)) layer.seed = seed32(random)
    for (const inner of [layer.layer, layer.cell, layer.forwardLayer, layer.backwardLayer, ...(layer.cells ?? [])]) if (inner) visit(inner)
  }
  for (const layer of model.layers) visit(layer as unknown as Nest)
}
