import type { LoweringContext, Step } from './lowering.ts'
import { type Halo, holds, imageShape, placeRegion, type Region } from './region.ts'

/** The region itself when its halo is wide enough; else one that is, and the step that copies the values there. */
export function padded(
  context: LoweringContext,
  shape: readonly number[],
  region: Region,
  halo: Halo,
): { readonly region: Region; readonly steps: readonly Step[] } {
  if (holds(region.halo, halo)) return { region, steps: [] }
  const { kernels, run, batchSize, allocate } = context
  const [height, width, channels] = imageShape(shape)
  const wide = placeRegion(shape, batchSize, halo, allocate)
  const copy = () =>
    kernels.copyPixels(
      region.address,
      region.image,
      region.row,
      wide.address,
      wide.image,
      wide.row,
      run.images,
      height,
      width * channels * 4,
    )
  return { region: wide, steps: [copy] }
}
