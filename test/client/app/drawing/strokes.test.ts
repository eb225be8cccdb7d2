import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { cleared, type Drawing, EMPTY_DRAWING, loaded, penDown, penMove, undone } from '../../../../client/app/drawing/strokes.ts'

const point = fc.record({ x: fc.double({ min: 0, max: 1, noNaN: true }), y: fc.double({ min: 0, max: 1, noNaN: true }) })
const step = fc.oneof(
  point.map((at) => (drawing: Drawing) => penDown(drawing, at)),
  point.map((at) => (drawing: Drawing) => penMove(drawing, at)),
  fc.constant(cleared),
  fc
    .array(fc.array(point, { minLength: 1, maxLength: 3 }), { maxLength: 2 })
    .map((strokes) => (drawing: Drawing) => loaded(drawing, strokes)),
)

it('[APP-3] undoes back to the empty pad, one stroke, clearing or sample at a time', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const befores: Drawing['strokes'][] = []
      let drawing = EMPTY_DRAWING
      for (const take of steps) {
        const next = take(drawing)
        if (next.past.length > drawing.past.length) befores.push(drawing.strokes)
        drawing = next
      }
      for (const before of befores.reverse()) {
        drawing = undone(drawing)
        expect(drawing.strokes).toEqual(before)
      }
      expect(undone(drawing)).toEqual(EMPTY_DRAWING)
    }),
  )
})

it('[APP-3] undoes clearing', () => {
  const drawn = penMove(penDown(EMPTY_DRAWING, { x: 0.1, y: 0.1 }), { x: 0.5, y: 0.5 })
  expect(undone(cleared(drawn)).strokes).toEqual(drawn.strokes)
  expect(cleared(EMPTY_DRAWING)).toBe(EMPTY_DRAWING)
})
