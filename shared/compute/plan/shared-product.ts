import type { LoweringContext } from './lowering.ts'
import { byImages, byStretch, type Step } from './share.ts'

/** Columns that `multiply` packs at a time. */
const COLUMNS = 16
/** Weights of so few floats cost each thread less to pack than to wait for the others. */
const FEW = 16384

/** A product with a matrix: threads take columns of the answer where the matrix is large, so that each reads its own weights only; else examples. */
export function sharedProduct(
  { run }: LoweringContext,
  [inner, columns]: readonly [number, number],
  product: (column: number, columns: number, image: number, images: number) => void,
): Step {
  if (inner * columns <= FEW || columns < 2 * COLUMNS) return byImages(run, (first, images) => product(0, columns, first, images), true)
  return byStretch('values', columns, COLUMNS, (column, own) => product(column, own, 0, run.images))
}
