import { sizeOf } from '../../tensor/tensor.ts'

/** Zeros kept around the pixels of an image, in pixels. */
export type Halo = { readonly top: number; readonly bottom: number; readonly left: number; readonly right: number }

export const NO_HALO: Halo = { top: 0, bottom: 0, left: 0, right: 0 }

/**
 * Where a batch of values lies in the plan's memory: float32, an example after another, an image of [height, width, channels] row by row. `address` is that
 * of the first value, behind the halo; strides are bytes. Values of another rank have one row and no halo.
 */
export type Region = { readonly address: number; readonly image: number; readonly row: number; readonly halo: Halo }

/** Height, width and channels of what an image kernel sees: a shape of another rank is one pixel of all its values. */
export function imageShape(shape: readonly number[]): readonly [height: number, width: number, channels: number] {
  const [height = 1, width = 1, channels = 1] = shape
  return shape.length === 3 ? [height, width, channels] : [1, 1, sizeOf(shape)]
}

export const widest = (a: Halo, b: Halo): Halo => ({
  top: Math.max(a.top, b.top),
  bottom: Math.max(a.bottom, b.bottom),
  left: Math.max(a.left, b.left),
  right: Math.max(a.right, b.right),
})

/** Whether a region with `halo` also serves who wants `wanted`. */
export const holds = (halo: Halo, wanted: Halo): boolean =>
  halo.top >= wanted.top && halo.bottom >= wanted.bottom && halo.left >= wanted.left && halo.right >= wanted.right

export const isDense = ({ halo }: Region): boolean => holds(NO_HALO, halo)

/** The region of a batch of `images` examples, and the bytes it takes; `allocate` gives zeroed bytes. */
export function placeRegion(shape: readonly number[], images: number, halo: Halo, allocate: (bytes: number) => number): Region {
  const [height, width, channels] = imageShape(shape)
  const pixel = channels * 4
  const row = (width + halo.left + halo.right) * pixel
  const image = (height + halo.top + halo.bottom) * row
  return { address: allocate(image * images) + halo.top * row + halo.left * pixel, image, row, halo }
}
