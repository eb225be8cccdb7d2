import type { LoweringContext } from './lowering.ts'
import { byStretch, type SharedStep } from './share.ts'

/** The step that packs a row-major matrix [rows, columns] of weights into panels at `to`, 32 bytes a row and 8 columns. */
export const panelsStep = ({ kernels }: LoweringContext, from: number, rows: number, columns: number, to: number): SharedStep =>
  byStretch('panels', columns, 8, (column, own) => kernels.packPanels(from + column * 4, columns * 4, rows, own, to + column * rows * 4))

/** The same for the matrix's transpose, tap by tap; see packTaps. */
export const tapPanelsStep = (
  { kernels }: LoweringContext,
  filter: number,
  taps: readonly [table: number, count: number],
  inputs: number,
  outputs: number,
  to: number,
): SharedStep =>
  byStretch('panels', inputs, 8, (input, own) =>
    kernels.packTaps(filter + input * outputs * 4, ...taps, own, outputs, to + input * taps[1] * outputs * 4),
  )
