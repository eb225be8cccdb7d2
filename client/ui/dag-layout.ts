import { assert, must } from '../../shared/core/assert.ts'

/** A node and the nodes it comes after. */
export type DagNode = { readonly name: string; readonly after: readonly string[] }
export type DagSize = { readonly width: number; readonly height: number; readonly gapX: number; readonly gapY: number }
export type Point = { readonly x: number; readonly y: number }
export type DagLayout = {
  readonly width: number
  readonly height: number
  /** Top left corner of each node. */
  readonly nodes: ReadonlyMap<string, Point>
  /** From the bottom centre of `from` to the top centre of `to`, straight down through each layer that lies between. */
  readonly edges: readonly { readonly from: string; readonly to: string; readonly points: readonly Point[] }[]
}

/** A place in a layer: a node, or the point where a long edge passes. */
type Slot = { readonly key: string; readonly layer: number; readonly ups: string[]; readonly downs: string[]; readonly pass: boolean }

const SWEEPS = 8
/** A passing edge needs this share of a node's width. */
const PASS_SHARE = 0.15

/**
 * Layered drawing of an acyclic graph, top to bottom (Sugiyama, Tagawa and Toda 1981): layers by longest path, long edges split by one passing point per
 * layer, order within layers by repeated barycentres, layers centred. References to unknown nodes are ignored. The same input gives the same layout.
 */
export function layoutDag(nodes: readonly DagNode[], size: DagSize): DagLayout {
  const layerOf = layersOf(nodes)
  const { slots, chains } = slotsOf(nodes, layerOf)
  const layers = ordered(slots)
  const widths = layers.map((layer) => layer.reduce((sum, slot) => sum + slotWidth(slot, size) + size.gapX, -size.gapX))
  const width = Math.max(size.width, ...widths)
  const centres = new Map<string, number>()
  for (const [at, layer] of layers.entries()) {
    let x = (width - must(widths[at], 'width of the layer')) / 2
    for (const slot of layer) {
      centres.set(slot.key, x + slotWidth(slot, size) / 2)
      x += slotWidth(slot, size) + size.gapX
    }
  }
  const top = (layer: number) => layer * (size.height + size.gapY)
  const centre = (key: string) => must(centres.get(key), `place of ${key}`)
  return {
    width,
    height: layers.length === 0 ? 0 : top(layers.length) - size.gapY,
    nodes: new Map(nodes.map(({ name }) => [name, { x: centre(name) - size.width / 2, y: top(must(layerOf.get(name), 'layer')) }])),
    edges: chains.map(({ from, to, passes }) => {
      const start = must(layerOf.get(from), 'layer of the start')
      const between = passes.flatMap((key, at) =>
        [top(start + 1 + at), top(start + 1 + at) + size.height].map((y) => ({ x: centre(key), y })),
      )
      return {
        from,
        to,
        points: [
          { x: centre(from), y: top(start) + size.height },
          ...between,
          { x: centre(to), y: top(must(layerOf.get(to), 'layer of the end')) },
        ],
      }
    }),
  }
}

const slotWidth = (slot: Slot, size: DagSize): number => (slot.pass ? size.width * PASS_SHARE : size.width)

/** Longest path from a node without predecessors. */
function layersOf(nodes: readonly DagNode[]): Map<string, number> {
  const byName = new Map(nodes.map((node) => [node.name, node]))
  assert(byName.size === nodes.length, 'the names of a graph are different from each other')
  const layers = new Map<string, number>()
  const visit = (name: string, path: readonly string[]): number => {
    const known = layers.get(name)
    if (known !== undefined) return known
    assert(!path.includes(name), `the graph has no cycle (${[...path, name].join(' > ')})`)
    const befores = must(byName.get(name), name).after.filter((before) => byName.has(before))
    const layer = befores.reduce((deepest, before) => Math.max(deepest, visit(before, [...path, name]) + 1), 0)
    layers.set(name, layer)
    return layer
  }
  for (const { name } of nodes) visit(name, [])
  return layers
}

function slotsOf(
  nodes: readonly DagNode[],
  layerOf: ReadonlyMap<string, number>,
): { slots: Map<string, Slot>; chains: { from: string; to: string; passes: string[] }[] } {
  const slots = new Map<string, Slot>()
  const add = (key: string, layer: number, pass: boolean) => slots.set(key, { key, layer, ups: [], downs: [], pass })
  for (const { name } of nodes) add(name, must(layerOf.get(name), 'layer'), false)
  const chains: { from: string; to: string; passes: string[] }[] = []
  for (const { name: to, after } of nodes) {
    const end = must(layerOf.get(to), 'layer')
    for (const from of new Set(after)) {
      const start = layerOf.get(from)
      if (start === undefined) continue
      const passes = Array.from({ length: end - start - 1 }, (_, at) => `${from}\u0000${to}\u0000${at}`)
      for (const [at, key] of passes.entries()) add(key, start + 1 + at, true)
      const chain = [from, ...passes, to]
      for (let at = 1; at < chain.length; at++) {
        const up = must(chain[at - 1], 'link above')
        const down = must(chain[at], 'link below')
        must(slots.get(down), down).ups.push(up)
        must(slots.get(up), up).downs.push(down)
      }
      chains.push({ from, to, passes })
    }
  }
  return { slots, chains }
}

/** The layers, each in an order that keeps neighbours near each other: sweeps down and up by the mean place of the neighbours. */
function ordered(slots: ReadonlyMap<string, Slot>): Slot[][] {
  const layers: Slot[][] = []
  for (const slot of slots.values()) {
    const layer = layers[slot.layer] ?? []
    layer.push(slot)
    layers[slot.layer] = layer
  }
  const place = new Map<string, number>()
  // relative to the layer's middle, since layers are drawn centred
  const settle = (layer: readonly Slot[]) => {
    for (const [at, slot] of layer.entries()) place.set(slot.key, at - (layer.length - 1) / 2)
  }
  for (const layer of layers) settle(layer)
  const arrange = (layer: Slot[], neighbours: 'ups' | 'downs') => {
    const wish = new Map(
      layer.map((slot) => [
        slot.key,
        mean(slot[neighbours].map((key) => must(place.get(key), key))) ?? must(place.get(slot.key), slot.key),
      ]),
    )
    layer.sort((a, b) => must(wish.get(a.key), a.key) - must(wish.get(b.key), b.key))
    settle(layer)
  }
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    for (const layer of sweep % 2 === 0 ? layers : layers.toReversed()) arrange(layer, sweep % 2 === 0 ? 'ups' : 'downs')
  }
  return layers
}

const mean = (values: readonly number[]): number | undefined =>
  values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length

/** A smooth line through the points of an edge: vertical where it leaves and arrives. */
export function edgePath(points: readonly Point[]): string {
  const first = must(points[0], 'first point')
  let path = `M${first.x} ${first.y}`
  for (let at = 1; at < points.length; at++) {
    const a = must(points[at - 1], 'point')
    const b = must(points[at], 'point')
    const middle = (a.y + b.y) / 2
    path += ` C${a.x} ${middle} ${b.x} ${middle} ${b.x} ${b.y}`
  }
  return path
}
