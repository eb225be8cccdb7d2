import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { must } from '../../../shared/core/assert.ts'
import { type DagNode, edgePath, layoutDag } from '../../../client/ui/dag-layout.ts'

const SIZE = { width: 200, height: 50, gapX: 16, gapY: 30 }

/** Acyclic by construction: a node comes after earlier ones only. */
const graph: fc.Arbitrary<DagNode[]> = fc
  .array(fc.array(fc.nat({ max: 30 }), { maxLength: 3 }), { minLength: 1, maxLength: 18 })
  .map((lists) => lists.map((list, at) => ({ name: `step ${at}`, after: at === 0 ? [] : [...new Set(list.map((n) => `step ${n % at}`))] })))

describe('layout of a graph of steps', () => {
  it('[CNS-7] places each step below everything it comes after, inside the drawing', () => {
    fc.assert(
      fc.property(graph, (nodes) => {
        const layout = layoutDag(nodes, SIZE)
        for (const { name, after } of nodes) {
          const own = must(layout.nodes.get(name), name)
          expect(own.x).toBeGreaterThanOrEqual(-1e-9)
          expect(own.x + SIZE.width).toBeLessThanOrEqual(layout.width + 1e-9)
          expect(own.y + SIZE.height).toBeLessThanOrEqual(layout.height)
          for (const before of after) expect(must(layout.nodes.get(before), before).y).toBeLessThan(own.y)
        }
      }),
    )
  })

  it('[CNS-7] lets no two steps overlap, and no edge run through a step', () => {
    fc.assert(
      fc.property(graph, (nodes) => {
        const { nodes: places, edges } = layoutDag(nodes, SIZE)
        const all = [...places.entries()]
        for (const [a, { x, y }] of all) {
          for (const [b, other] of all) if (a < b && y === other.y) expect(Math.abs(x - other.x)).toBeGreaterThanOrEqual(SIZE.width)
          for (const { points } of edges) {
            for (const point of points.slice(1, -1)) {
              const inside = point.x > x && point.x < x + SIZE.width && point.y > y && point.y < y + SIZE.height
              expect(inside).toBe(false)
            }
          }
        }
      }),
    )
  })

  it('[CNS-7] draws one edge for each thing a step comes after, from its bottom to the step’s top', () => {
    fc.assert(
      fc.property(graph, (nodes) => {
        const layout = layoutDag(nodes, SIZE)
        expect(layout.edges).toHaveLength(nodes.reduce((sum, { after }) => sum + after.length, 0))
        for (const { from, to, points } of layout.edges) {
          const start = must(layout.nodes.get(from), from)
          const end = must(layout.nodes.get(to), to)
          expect(points[0]).toEqual({ x: start.x + SIZE.width / 2, y: start.y + SIZE.height })
          expect(points.at(-1)).toEqual({ x: end.x + SIZE.width / 2, y: end.y })
          expect(edgePath(points)).toMatch(/^M[-\d. ]+( C[-\d. e]+)+$/)
        }
      }),
    )
  })

  it('[CNS-7] gives the same layout for the same graph', () => {
    fc.assert(
      fc.property(graph, (nodes) => {
        expect(layoutDag(nodes, SIZE)).toEqual(layoutDag(structuredClone(nodes), SIZE))
      }),
    )
  })

  it('[CNS-7] refuses a cycle, ignores a step that is not there, draws nothing for nothing', () => {
    expect(() =>
      layoutDag(
        [
          { name: 'a', after: ['b'] },
          { name: 'b', after: ['a'] },
        ],
        SIZE,
      ),
    ).toThrow(/no cycle \(a > b > a\)/)
    expect(layoutDag([{ name: 'a', after: ['gone'] }], SIZE).edges).toEqual([])
    expect(layoutDag([], SIZE)).toMatchObject({ height: 0, edges: [] })
  })
})
