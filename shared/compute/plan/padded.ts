import type { LoweringContext } from './lowering.ts'
import { type Halo, holds, imageShape, placeRegion, type Region } from './region.ts'
import { byImages, type Step } from './share.ts'

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
  const copy = byImages(run, (first, images) =>
    kernels.copyPixels(
      region.address + first * region.image,
      region.image,
      region.row,
      wide.address + first * wide.image,
      wide.image,
      wide.row,
      images,
      height,
      width * channels * 4,
    ),
  )
  return { region: wide, steps: [copy] }
}
