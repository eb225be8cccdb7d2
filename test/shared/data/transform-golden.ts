import { applyTransforms } from '../../../shared/data/apply-transforms.ts'
import { imageFeatures } from '../../../shared/data/image-features.ts'
import { analyseTransforms } from '../../../shared/data/analyse-transforms.ts'

/** SHA-256 of the floats below, on every engine. */
export const GOLDEN_DIGEST = 'fb7b5ba2cf9bce3a64883bf77c5deeddadee01b76d799884acaf55520ecdef2b'

export const GOLDEN_FEATURES = {
  brightness: 0.5096088435,
  contrast: 0.2810281609,
  ink: 0.5165816327,
  centroidX: 0.4912257496,
  centroidY: 0.5055996473,
  orientation: -73.6539953951,
  extent: 0.9971790708,
  edges: 0.3327393921,
}

/** Made with whole numbers only, so that the input has the same bits everywhere. */
const images = (n: number, start: number) => {
  const pixels = new Uint8Array(n * 784)
  let state = start
  for (let i = 0; i < pixels.length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    pixels[i] = state >>> 24
  }
  return { kind: 'images', height: 28, width: 28, channels: 1, pixels } as const
}

/** Bytes of model inputs: every kind of transform, frozen on one batch and applied to another. */
export function goldenInputs(): Uint8Array<ArrayBuffer> {
  const training = {
    image: images(50, 1),
    x: Array.from({ length: 50 }, (_, i) => (i * i) / 7),
    c: Array.from({ length: 50 }, (_, i) => `c${i % 7}`),
  }
  const frozen = analyseTransforms(
    [
      { kind: 'image-scale', input: 'image', mean: [0.1307], deviation: [0.3081] },
      { kind: 'standardize', input: 'x' },
      { kind: 'min-max', input: 'x' },
      { kind: 'one-hot', input: 'c', top: 5 },
      { kind: 'passthrough', input: 'x' },
    ],
    training,
  )
  const batch = {
    image: images(10, 99),
    x: Array.from({ length: 10 }, (_, i) => 1 / (i + 0.1)),
    c: Array.from({ length: 10 }, (_, i) => `c${i}`),
  }
  return new Uint8Array(applyTransforms(frozen, batch).buffer)
}

/** Numbers of one image, rounded where an engine's arctangent may differ in its last bit. */
export const goldenFeatures = (): Record<string, number> =>
  Object.fromEntries(
    Object.entries(imageFeatures(images(1, 7).pixels, { height: 28, width: 28 })).map(([name, x]) => [name, Number(x.toFixed(10))]),
  )
