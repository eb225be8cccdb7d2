import { must } from '../core/assert.ts'
import { AppError } from '../core/errors.ts'
import { MAX_FOREST_NODES, MAX_FOREST_TREES } from '../core/limits.ts'
import type { Forest } from './forest.ts'
import type { GrownTree } from './grow-tree.ts'

/** Arrays that grow by doubling. */
function room<T extends Int32Array<ArrayBuffer> | Float32Array<ArrayBuffer>>(make: (length: number) => T, from: T) {
  let held = make(Math.max(1024, from.length * 2))
  held.set(from)
  return {
    set(at: number, value: number): void {
      if (at >= held.length) {
        const larger = make(2 * held.length)
        larger.set(held)
        held = larger
      }
      held[at] = value
    },
    part: (from: number, to: number): T => held.slice(from, to) as T,
  }
}

/** Puts grown trees behind those of a forest. */
export function forestBuilder(start: Forest) {
  const starts = [...start.starts]
  let nodes = start.feature.length
  const feature = room((length) => new Int32Array(length), start.feature)
  const value = room((length) => new Float32Array(length), start.value)
  const right = room((length) => new Int32Array(length), start.right)

  /** Writes a tree in preorder; leaves add `scale` times their value. */
  function add({ nodes: grown }: GrownTree, scale: number): void {
    if (starts.length >= MAX_FOREST_TREES || nodes + grown.length > MAX_FOREST_NODES)
      throw new AppError(
        'invalid_input',
        `a forest has at most ${MAX_FOREST_TREES} trees and ${MAX_FOREST_NODES} nodes, this one would have more: ask for fewer rounds or less depth`,
      )
    starts.push(nodes)
    /** Nodes to come, each with the question whose answer no leads to it. */
    const waiting: [number, number][] = [[0, -1]]
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const [number, asker] = next
      const { split, children, value: own } = must(grown[number], 'a node')
      const at = nodes++
      if (asker >= 0) right.set(asker, at)
      right.set(at, 0)
      if (split === undefined || children === undefined) {
        feature.set(at, -1)
        value.set(at, own * scale)
        continue
      }
      feature.set(at, split.feature.feature)
      value.set(at, must(split.feature.cuts[split.bin], 'a cut'))
      waiting.push([children[1], at], [children[0], -1])
    }
  }

  /** The trees from number `first` on, as a forest with the same base. */
  function from(first: number): Forest {
    const before = starts[first] ?? nodes
    return {
      ...start,
      starts: Int32Array.from(starts.slice(first), (at) => at - before),
      feature: feature.part(before, nodes),
      value: value.part(before, nodes),
      right: right.part(before, nodes).map((node) => Math.max(0, node - before)),
    }
  }

  return { add, from }
}
