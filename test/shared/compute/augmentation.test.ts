import { expect, test } from 'vitest'
import { augmented } from '../../../shared/compute/augmentation.ts'
import { affine, asIs } from '../../../shared/compute/examples.ts'
import type { Random } from '../../../shared/core/random.ts'
import { seededRandom } from '../../../shared/core/random.ts'

const SIZE = 9

/** An image with one bright pixel on a grey ground. */
function spot(y: number, x: number): Uint8Array {
  const image = new Uint8Array(SIZE * SIZE).fill(50)
  image[y * SIZE + x] = 250
  return image
}

/** Each draw at the given place of its range: 0 the least, 0.5 the middle, 1 the most. */
const always = (at: number): Random => ({ ...seededRandom(1), uniform: () => at })

const brightest = (image: Float32Array): [number, number] => {
  const at = image.indexOf(Math.max(...image))
  return [Math.floor(at / SIZE), at % SIZE]
}

test('[CMP-9] augmentation turns, shifts and zooms images about their centre', () => {
  const out = new Float32Array(SIZE * SIZE)
  const run = (options: Parameters<typeof augmented>[0], image: Uint8Array): [number, number] => {
    augmented(options, asIs)(image, out, always(1))
    return brightest(out)
  }
  const shape = [SIZE, SIZE, 1] as const
  expect(run({ shape }, spot(2, 4))).toEqual([2, 4])
  // clockwise, as an image with y downwards is seen
  expect(run({ shape, degrees: 90 }, spot(2, 4))).toEqual([4, 6])
  expect(run({ shape, shift: 2 }, spot(2, 4))).toEqual([4, 6])
  expect(run({ shape, zoom: 1 }, spot(3, 4))).toEqual([2, 4])
})

test('[CMP-9] augmentation continues the background, keeps channels apart and leaves evaluation alone', () => {
  const shape = [SIZE, SIZE, 2] as const
  const image = Uint8Array.from({ length: SIZE * SIZE * 2 }, (_, i) => (i % 2 === 0 ? 100 : 200))
  const images = new Uint8Array(image.length * 3)
  for (let i = 0; i < 3; i++) images.set(image, i * image.length)
  const out = new Float32Array(images.length)
  const transform = augmented({ shape, degrees: 45, shift: 3, zoom: 0.2 }, affine(2))
  transform(images, out, seededRandom(4))
  expect([...out].every((value, i) => Math.abs(value - (i % 2 === 0 ? 200 : 400)) < 1e-3)).toBe(true)
  const tilted = spot(1, 1)
  const plain = new Float32Array(tilted.length)
  augmented({ shape: [SIZE, SIZE, 1], degrees: 45 }, asIs)(tilted, plain, undefined)
  expect(plain).toEqual(Float32Array.from(tilted))
})
