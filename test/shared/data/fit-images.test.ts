import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sha256 } from '../../../shared/core/digest.ts'
import { analyseTransforms } from '../../../shared/data/analyse-transforms.ts'
import { applyTransforms } from '../../../shared/data/apply-transforms.ts'
import type { ImageColumn } from '../../../shared/data/columns.ts'
import { fitImages } from '../../../shared/data/fit-images.ts'
import { type FrozenOf, frozenTransformSchema, rowWidth } from '../../../shared/data/transforms.ts'
import { inputShape, fittedPixels, transformOf } from '../../../server/pipeline/data/split-examples.ts'
import { FITTED_DIGEST, fittedInputs } from './fitted-golden.ts'

type Transform = FrozenOf<'image-scale'>
const image = (height: number, width: number, pixels: readonly number[], channels = 1): ImageColumn => ({
  kind: 'images',
  height,
  width,
  channels,
  pixels: Uint8Array.from(pixels),
})
const transform = (column: ImageColumn, more: Partial<Transform>): Transform => {
  const { height, width, channels } = column
  return { kind: 'image-scale', input: 'i', height, width, channels, mean: [0], deviation: [1], ...more }
}
const resized = (column: ImageColumn, height: number, width: number) => [
  ...fitImages(transform(column, { resize: { height, width } }), column).pixels,
]
const centred = (column: ImageColumn, background = [0]) => [...fitImages(transform(column, { centre: { background } }), column).pixels]

test('[DAT-62] smaller is the mean over the area, halves up; larger runs straight between centres', () => {
  expect(resized(image(2, 2, [0, 100, 100, 201]), 1, 1)).toEqual([100])
  expect(resized(image(1, 2, [0, 1]), 1, 1)).toEqual([1])
  // thirds: (2 * 0 + 1 * 90) / 3 and (1 * 90 + 2 * 255) / 3
  expect(resized(image(1, 3, [0, 90, 255]), 1, 2)).toEqual([30, 200])
  expect(resized(image(1, 2, [0, 100]), 1, 4)).toEqual([0, 25, 75, 100])
  expect(resized(image(1, 1, [7]), 2, 3)).toEqual([7, 7, 7, 7, 7, 7])
  // channels do not mix
  expect(resized(image(1, 2, [0, 200, 10, 100], 2), 1, 1)).toEqual([5, 150])
  const two = image(1, 2, [1, 2, 3, 5])
  expect(resized(two, 1, 1)).toEqual([2, 4])
})

test('[DAT-62] a size by itself changes nothing; a plain image stays plain; none is brighter or darker than before', () => {
  const size = fc.integer({ min: 1, max: 9 })
  fc.assert(
    fc.property(
      size,
      size,
      size,
      size,
      fc.integer({ min: 0, max: 255 }),
      fc.infiniteStream(fc.integer({ min: 0, max: 255 })),
      (h, w, th, tw, byte, stream) => {
        const plain = image(h, w, new Array<number>(h * w).fill(byte))
        expect(new Set(resized(plain, th, tw))).toEqual(new Set([byte]))
        const any = image(h, w, [...stream.take(h * w)])
        expect(resized(any, h, w)).toEqual([...any.pixels])
        const [low, high] = [Math.min(...any.pixels), Math.max(...any.pixels)]
        expect(resized(any, th, tw).every((x) => x >= low && x <= high)).toBe(true)
      },
    ),
  )
})

test('[DAT-62] the foreground moves into the middle by whole pixels, against the background of the training split', () => {
  expect(centred(image(3, 3, [9, 0, 0, 0, 0, 0, 0, 0, 0]))).toEqual([0, 0, 0, 0, 9, 0, 0, 0, 0])
  expect(centred(image(3, 3, [5, 5, 5, 5, 5, 5, 5, 5, 0]), [5])).toEqual([5, 5, 5, 5, 0, 5, 5, 5, 5])
  expect(centred(image(2, 2, [4, 4, 4, 4]), [4])).toEqual([4, 4, 4, 4])
  const there = image(3, 3, [0, 1, 0, 1, 8, 1, 0, 1, 0])
  expect(centred(there)).toEqual([...there.pixels])
  // a second time changes nothing where nothing was lost
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 3 }), (y, x) => {
      const pixels = new Array<number>(49).fill(0)
      for (const [dy, dx] of [
        [0, 0],
        [0, 1],
        [1, 0],
        [2, 2],
      ] as const)
        pixels[(y + dy) * 7 + x + dx] = 50
      const once = centred(image(7, 7, pixels))
      expect(centred(image(7, 7, once))).toEqual(once)
      expect(once.reduce((sum, byte) => sum + byte, 0)).toBe(200)
    }),
  )
})

test('[DAT-62] size and background are frozen over the training split, and stand in the manifest', () => {
  const dark = [3, 3, 3, 3, 200, 3, 3, 3, 4]
  const [frozen] = analyseTransforms([{ kind: 'image-scale', input: 'i', centre: true, resize: { height: 2, width: 2 } }], {
    i: image(3, 3, [...dark, ...dark]),
  })
  expect(frozen).toEqual({
    kind: 'image-scale',
    input: 'i',
    height: 3,
    width: 3,
    channels: 1,
    mean: [0],
    deviation: [1],
    centre: { background: [3] },
    resize: { height: 2, width: 2 },
  })
  expect(frozenTransformSchema.parse(frozen)).toEqual(frozen)
  expect(rowWidth([frozen as Transform])).toBe(4)
  const out = applyTransforms([frozen as Transform], { i: image(3, 3, dark) })
  expect(out).toHaveLength(4)
  // what is frozen without either is as it was before there were any
  expect(Object.keys(analyseTransforms([{ kind: 'image-scale', input: 'i' }], { i: image(3, 3, dark) })[0] ?? {})).toEqual([
    'kind',
    'input',
    'height',
    'width',
    'channels',
    'mean',
    'deviation',
  ])
})

test('[DAT-62] a step that learns from fitted bytes sees what a device computes from the image', () => {
  const column = image(
    5,
    4,
    Array.from({ length: 40 }, (_, i) => (i * 37) % 256),
  )
  const fitted = transform(column, { centre: { background: [10] }, resize: { height: 3, width: 6 }, mean: [0.2], deviation: [0.5] })
  const prepared = {
    form: { kind: 'image' as const, column: 'i', height: 5, width: 4, channels: 1 },
    labels: ['a', 'b'],
    transforms: [fitted],
    sliceBy: [],
  }
  expect(inputShape(prepared)).toEqual([3, 6, 1])
  const out = new Float32Array(36)
  transformOf(prepared)(fittedPixels({ i: column }, 'i', prepared.transforms), out, undefined)
  expect(out).toEqual(applyTransforms([fitted], { i: column }))
})

test('[DAT-62] fitted images have the same bits as in a browser', async () => {
  expect(await sha256(fittedInputs())).toBe(FITTED_DIGEST)
})
