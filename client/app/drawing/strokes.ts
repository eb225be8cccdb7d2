/** A point on the pad: 0 to 1 from left to right and from top to bottom. */
export type Point = { readonly x: number; readonly y: number }
/** One touch of the pen, in order. */
export type Stroke = readonly Point[]

/** What is on the pad, and what an undo brings back. */
export type Drawing = { readonly strokes: readonly Stroke[]; readonly past: readonly (readonly Stroke[])[] }

export const EMPTY_DRAWING: Drawing = { strokes: [], past: [] }

/** Steps that can be undone. */
const MAX_PAST = 100
/** Two points nearer than this are one: pointers report many. */
const MIN_STEP = 0.002

const replaced = (drawing: Drawing, strokes: readonly Stroke[]): Drawing => ({
  strokes,
  past: [...drawing.past, drawing.strokes].slice(-MAX_PAST),
})

/** Puts the pen down: a new stroke with one point. */
export const penDown = (drawing: Drawing, point: Point): Drawing => replaced(drawing, [...drawing.strokes, [point]])

/** Moves the pen that is down: the last stroke grows. */
export function penMove(drawing: Drawing, point: Point): Drawing {
  const stroke = drawing.strokes.at(-1)
  const last = stroke?.at(-1)
  if (stroke === undefined || last === undefined || Math.hypot(point.x - last.x, point.y - last.y) < MIN_STEP) return drawing
  return { ...drawing, strokes: [...drawing.strokes.slice(0, -1), [...stroke, point]] }
}

export const cleared = (drawing: Drawing): Drawing => (drawing.strokes.length === 0 ? drawing : replaced(drawing, []))

/** Another drawing in place of this one; undo brings this one back. */
export const loaded = (drawing: Drawing, strokes: readonly Stroke[]): Drawing => replaced(drawing, strokes)

export function undone(drawing: Drawing): Drawing {
  const before = drawing.past.at(-1)
  return before === undefined ? drawing : { strokes: before, past: drawing.past.slice(0, -1) }
}
