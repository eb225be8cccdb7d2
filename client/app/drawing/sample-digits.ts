import { must } from '../../../shared/core/assert.ts'
import type { Point, Stroke } from './strokes.ts'

/** Points on an ellipse from one angle to another, in degrees; 0 points right, 90 down. */
function arc(cx: number, cy: number, rx: number, ry: number, from: number, to: number): Point[] {
  const steps = Math.max(2, Math.ceil(Math.abs(to - from) / 12))
  return Array.from({ length: steps + 1 }, (_, step) => {
    const angle = ((from + ((to - from) * step) / steps) * Math.PI) / 180
    return { x: cx + rx * Math.cos(angle), y: cy + ry * Math.sin(angle) }
  })
}

const line = (...numbers: number[]): Point[] =>
  Array.from({ length: numbers.length / 2 }, (_, at) => ({ x: must(numbers[2 * at], 'x'), y: must(numbers[2 * at + 1], 'y') }))

/** One way to write each digit, for trying the app without drawing. */
export const SAMPLE_DIGITS: readonly (readonly Stroke[])[] = [
  [arc(0.5, 0.5, 0.2, 0.31, -80, 290)],
  [line(0.42, 0.3, 0.53, 0.19, 0.51, 0.5, 0.49, 0.81)],
  [[...arc(0.49, 0.36, 0.19, 0.17, 190, 385), ...line(0.6, 0.53, 0.45, 0.67, 0.3, 0.79, 0.5, 0.77, 0.73, 0.79)]],
  [[...arc(0.47, 0.35, 0.18, 0.16, 205, 435), ...arc(0.47, 0.65, 0.21, 0.17, -75, 150)]],
  [line(0.38, 0.2, 0.3, 0.42, 0.28, 0.55, 0.48, 0.55, 0.72, 0.52), line(0.63, 0.2, 0.61, 0.5, 0.59, 0.82)],
  [[...line(0.69, 0.2, 0.4, 0.21, 0.37, 0.45), ...arc(0.47, 0.62, 0.2, 0.19, -115, 140)]],
  [[...line(0.6, 0.18, 0.45, 0.32, 0.35, 0.52), ...arc(0.5, 0.65, 0.165, 0.165, 190, 545)]],
  [line(0.29, 0.23, 0.5, 0.22, 0.7, 0.21, 0.6, 0.42, 0.52, 0.6, 0.46, 0.82)],
  [[...arc(0.5, 0.345, 0.16, 0.15, 90, -270), ...arc(0.5, 0.66, 0.19, 0.165, -90, 270)]],
  [[...arc(0.49, 0.37, 0.17, 0.17, -10, -365), ...line(0.66, 0.4, 0.62, 0.6, 0.57, 0.82)]],
]
