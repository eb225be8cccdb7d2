import type { LoweringContext } from './lowering.ts'
import { byImages, byStretch, type Step } from './share.ts'

/** Columns that `multiply` packs at a time. */
const COLUMNS = 16
/** Weights of so few floats cost each thread less to pack than to wait for the others. */
const FEW = 16384

/** Whether threads share out the matrix of a product rather than the examples. */
export const isLarge = (inner: number, columns: number): boolean => inner * columns > FEW && columns >= 2 * COLUMNS

/** A product with a matrix: threads take columns of the answer where the matrix is large, so that each reads its own weights only; else examples. */
export function sharedProduct(
  { run }: LoweringContext,
  [inner, columns]: readonly [number, number],
  product: (column: number, columns: number, image: number, images: number) => void,
): Step {
  if (!isLarge(inner, columns)) return byImages(run, (first, images) => product(0, columns, first, images), true)
  return byStretch('values', columns, COLUMNS, (column, own) => product(column, own, 0, run.images))
}
