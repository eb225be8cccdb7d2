import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { must } from '../../../../shared/core/assert.ts'
import { SAMPLE_DIGITS } from '../../../../client/app/drawing/sample-digits.ts'
import { centreOfMass, SIDE, strokeImage } from '../../../../client/app/drawing/stroke-image.ts'
import type { Stroke } from '../../../../client/app/drawing/strokes.ts'

const share = fc.double({ min: 0, max: 1, noNaN: true })
const stroke = fc.array(fc.record({ x: share, y: share }), { minLength: 1, maxLength: 30 })
const strokes = fc.array(stroke, { minLength: 1, maxLength: 4 })

const ink = (image: Uint8Array): number => image.reduce((sum, value) => sum + value, 0) / 255
const extentOf = (image: Uint8Array): { rows: number; columns: number } => {
  const marked = [...image.keys()].filter((pixel) => must(image[pixel], 'pixel') > 127)
  const rows = marked.map((pixel) => Math.floor(pixel / SIDE))
  const columns = marked.map((pixel) => pixel % SIDE)
  return { rows: Math.max(...rows) - Math.min(...rows) + 1, columns: Math.max(...columns) - Math.min(...columns) + 1 }
}
const moved = (drawing: readonly Stroke[], scale: number, dx: number, dy: number): Stroke[] =>
  drawing.map((one) => one.map(({ x, y }) => ({ x: x * scale + dx, y: y * scale + dy })))
const difference = (a: Uint8Array, b: Uint8Array): number => Math.max(...a.map((value, at) => Math.abs(value - must(b[at], 'pixel'))))

describe('stroke image', () => {
  it('[APP-1] gives 28 x 28 grey values with their centre of mass in the middle', () => {
    fc.assert(
      fc.property(strokes, (drawing) => {
        const image = must(strokeImage(drawing), 'image')
        expect(image).toHaveLength(SIDE * SIDE)
        expect(ink(image)).toBeGreaterThan(3)
        const { x, y } = centreOfMass(image)
        const pixels = [...image.keys()].filter((pixel) => image[pixel] !== 0)
        // a very lopsided drawing stops at the border instead
        const atSide = pixels.some((pixel) => [0, SIDE - 1].includes(pixel % SIDE))
        const atEnd = pixels.some((pixel) => [0, SIDE - 1].includes(Math.floor(pixel / SIDE)))
        if (!atSide) expect(Math.abs(x - SIDE / 2)).toBeLessThan(0.5)
        if (!atEnd) expect(Math.abs(y - SIDE / 2)).toBeLessThan(0.5)
      }),
    )
  })

  it('[APP-1] scales the longer side to 20 pixels and keeps the proportions', () => {
    const bar = must(
      strokeImage([
        [
          { x: 0.3, y: 0.1 },
          { x: 0.3, y: 0.9 },
        ],
      ]),
      'image',
    )
    expect(extentOf(bar).rows).toBeGreaterThanOrEqual(19)
    expect(extentOf(bar).rows).toBeLessThanOrEqual(21)
    expect(extentOf(bar).columns).toBeLessThanOrEqual(4)
    const square = must(
      strokeImage([
        [
          { x: 0.2, y: 0.2 },
          { x: 0.4, y: 0.2 },
          { x: 0.4, y: 0.4 },
          { x: 0.2, y: 0.4 },
          { x: 0.2, y: 0.2 },
        ],
      ]),
      'image',
    )
    expect(extentOf(square).rows).toBe(extentOf(square).columns)
  })

  it('[APP-2] gives the same image wherever on the pad and however large a digit is drawn', () => {
    for (const digit of SAMPLE_DIGITS) {
      const image = must(strokeImage(digit), 'image')
      const small = must(strokeImage(moved(digit, 0.4, 0.55, 0.1)), 'image')
      expect(difference(image, small)).toBeLessThanOrEqual(1)
    }
  })

  it('[APP-2] keeps a dot a dot', () => {
    const dot = must(strokeImage([[{ x: 0.8, y: 0.2 }]]), 'image')
    expect(extentOf(dot).rows).toBeLessThanOrEqual(4)
    expect(ink(dot)).toBeLessThan(16)
  })

  it('[APP-1] is soft at its edges, black inside, and undefined for an empty pad', () => {
    const image = must(strokeImage(must(SAMPLE_DIGITS[0], 'a zero')), 'image')
    const values = new Set(image)
    expect(values.has(0)).toBe(true)
    expect(values.has(255)).toBe(true)
    expect(values.size).toBeGreaterThan(20)
    expect(strokeImage([])).toBeUndefined()
  })
})
