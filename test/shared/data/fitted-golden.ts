import { analyseTransforms } from '../../../shared/data/analyse-transforms.ts'
import { applyTransforms } from '../../../shared/data/apply-transforms.ts'
import type { ImageColumn } from '../../../shared/data/columns.ts'

/** SHA-256 of the floats below, on every engine. */
export const FITTED_DIGEST = 'b47e6b0f832a46d6d427d5e97c366dbd266524b665635519c4b23b972678ee8d'

function images(n: number, start: number, height: number, width: number, channels: number): ImageColumn {
  const pixels = new Uint8Array(n * height * width * channels)
  let state = start
  for (let i = 0; i < pixels.length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    // mostly background, so that there is a foreground to centre
    pixels[i] = state >>> 30 === 0 ? state >>> 22 : 17
  }
  return { kind: 'images', height, width, channels, pixels }
}

/** Bytes of model inputs of images that are centred, made smaller, larger, and both, in one and three channels. */
export function fittedInputs(): Uint8Array<ArrayBuffer> {
  const of = (n: number, start: number) => ({ grey: images(n, start, 31, 23, 1), colour: images(n, start + 1, 9, 14, 3) })
  const frozen = analyseTransforms(
    [
      { kind: 'image-scale', input: 'grey', centre: true, resize: { height: 28, width: 28 }, mean: [0.1307], deviation: [0.3081] },
      { kind: 'image-scale', input: 'grey', resize: { height: 7, width: 5 } },
      { kind: 'image-scale', input: 'colour', centre: true, mean: [0.1, 0.2, 0.3] },
      { kind: 'image-scale', input: 'colour', resize: { height: 20, width: 6 } },
    ],
    of(20, 1),
  )
  return new Uint8Array(applyTransforms(frozen, of(10, 99)).buffer)
}
